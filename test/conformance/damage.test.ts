import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { damageCases } from './cases/damage.ts'

conform(damageCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
