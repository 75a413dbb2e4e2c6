import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { releaseCases } from './cases/releases.ts'

conform(releaseCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
