import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { reconcileMovedCases } from './cases/reconcileMoved.ts'

conform(reconcileMovedCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
