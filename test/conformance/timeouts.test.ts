import { afterAll, beforeAll } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { KafkaCluster } from '../support/kafkaCluster.ts'
import { conform } from './case.ts'
import { QUICK_BROKER, timeoutCases } from './cases/timeouts.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await KafkaCluster.start({ settings: QUICK_BROKER })
})
afterAll(async () => {
  await cluster.stop()
})

conform(timeoutCases, { brokers: () => cluster.brokers, kafkaVersion: KAFKA_VERSION })
