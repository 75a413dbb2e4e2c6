import { afterAll, beforeAll } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { KafkaCluster } from '../support/kafkaCluster.ts'
import { conform } from './case.ts'
import { compactionCase, missedDeleteCase, QUICK_CLEANER } from './cases/compaction.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await KafkaCluster.start({ settings: QUICK_CLEANER })
})
afterAll(async () => {
  await cluster.stop()
})

conform([compactionCase, missedDeleteCase], { brokers: () => cluster.brokers, kafkaVersion: KAFKA_VERSION })
