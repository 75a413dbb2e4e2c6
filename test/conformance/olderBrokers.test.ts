import { afterAll, beforeAll, describe } from 'vitest'
import { KafkaCluster } from '../support/kafkaCluster.ts'
import { conform } from './case.ts'
import type { Protocol } from './case.ts'
import { answerCases } from './cases/answers.ts'
import { crashCases } from './cases/crashes.ts'
import { brokerCases } from './cases/brokers.ts'

const releases: readonly { version: string; protocols: readonly Protocol[] }[] = [
  // Before transaction.version there is only the first protocol.
  { version: '3.7.2', protocols: ['v1'] },
  { version: '4.1.1', protocols: ['v2'] },
]

describe.each(releases)('Kafka $version', ({ version, protocols }) => {
  let cluster: KafkaCluster
  beforeAll(async () => {
    cluster = await KafkaCluster.start({ kafkaVersion: version })
  })
  afterAll(async () => {
    await cluster.stop()
  })

  const cases = [...crashCases, ...answerCases, ...brokerCases(() => cluster, 1)]
  conform(cases, { brokers: () => cluster.brokers, kafkaVersion: version, protocols })
})
