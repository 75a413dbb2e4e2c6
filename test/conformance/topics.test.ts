import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { changelogCases } from './cases/changelog.ts'
import { noneCommittedCases } from './cases/noneCommitted.ts'
import { topicCases } from './cases/topics.ts'

conform([...topicCases, ...changelogCases, ...noneCommittedCases], {
  brokers: () => inject('brokers'),
  kafkaVersion: KAFKA_VERSION,
})
