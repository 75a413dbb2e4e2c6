import { afterAll, beforeAll } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { KafkaCluster } from '../support/kafkaCluster.ts'
import { conform } from './case.ts'
import { FORGETFUL_LEADERS, quietCases } from './cases/timeouts.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await KafkaCluster.start({ settings: FORGETFUL_LEADERS })
})
afterAll(async () => {
  await cluster.stop()
})

conform(quietCases, { brokers: () => cluster.brokers, kafkaVersion: KAFKA_VERSION })
