import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { clockCases } from './cases/clock.ts'

conform(clockCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
