import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { crashCases } from './cases/crashes.ts'
import { restoreCases } from './cases/restores.ts'

conform([...crashCases, ...restoreCases], { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
