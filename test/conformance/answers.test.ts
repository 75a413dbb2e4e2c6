import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { answerCases } from './cases/answers.ts'

conform(answerCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
