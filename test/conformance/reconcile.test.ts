import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { reconcileCases } from './cases/reconcile.ts'

conform(reconcileCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
