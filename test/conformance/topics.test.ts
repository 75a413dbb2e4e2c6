import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { topicCases } from './cases/topics.ts'

conform(topicCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
