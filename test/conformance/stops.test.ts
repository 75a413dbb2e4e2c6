import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { stopCases } from './cases/stops.ts'

conform(stopCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
