/** One node of a combined (broker and controller) KRaft cluster on loopback. */
export interface KafkaNode {
  readonly id: number
  readonly clientPort: number
  readonly controllerPort: number
}

/** Settings that the bed asks of every broker, on the JVM and on Docker. Keys as in server.properties. */
export const commonBrokerSettings = (brokerCount: number): Readonly<Record<string, string | number | boolean>> => {
  const replicas = Math.min(3, brokerCount)
  const minInSync = replicas > 2 ? 2 : 1
  return {
    'default.replication.factor': replicas,
    'min.insync.replicas': minInSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 5,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minInSync,
    'transaction.state.log.num.partitions': 5,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': minInSync,
    'share.coordinator.state.topic.num.partitions': 1,
    // A group's first member does not wait for others, and a topic exists because somebody made it.
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
  }
}

/** server.properties of `node` as a member of `cluster`, with its data in `logDir`. */
export const serverProperties = (node: KafkaNode, cluster: readonly KafkaNode[], logDir: string): string => {
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': cluster.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    listeners: `PLAINTEXT://127.0.0.1:${node.clientPort},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.clientPort}`,
    'log.dirs': logDir,
    ...commonBrokerSettings(cluster.length),
  }
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
