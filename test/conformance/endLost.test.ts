import { afterAll, beforeAll } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { KafkaCluster } from '../support/kafkaCluster.ts'
import { conform } from './case.ts'
import { endLostCases } from './cases/endLost.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await KafkaCluster.start()
})
afterAll(async () => {
  await cluster.stop()
})

conform(
  endLostCases(() => cluster),
  { brokers: () => cluster.brokers, kafkaVersion: KAFKA_VERSION },
)
