import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { zombieCases } from './cases/zombies.ts'

conform(zombieCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
