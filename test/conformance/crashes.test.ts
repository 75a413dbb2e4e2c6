import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { crashCases } from './cases/crashes.ts'

conform(crashCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
