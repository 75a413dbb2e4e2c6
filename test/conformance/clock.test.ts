import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { clockCases } from './cases/clock.ts'
import { timersWaitCases } from './cases/timersWait.ts'

conform([...clockCases, ...timersWaitCases], { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
