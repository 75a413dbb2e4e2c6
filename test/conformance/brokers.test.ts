import { afterAll, beforeAll, describe } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { KafkaCluster } from '../support/kafkaCluster.ts'
import { conform } from './case.ts'
import { brokerCases } from './cases/brokers.ts'

describe.each([1, 3] as const)('a cluster of %i', nodes => {
  let cluster: KafkaCluster
  beforeAll(async () => {
    cluster = await KafkaCluster.start({ nodes })
  })
  afterAll(async () => {
    await cluster.stop()
  })

  conform(
    brokerCases(() => cluster, nodes),
    { brokers: () => cluster.brokers, kafkaVersion: KAFKA_VERSION },
  )
})
