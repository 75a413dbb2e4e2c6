import { describe, expect, inject, test } from 'vitest'
import { ciFile, render } from './chart.ts'

const helm = inject('helm')

/** What somebody might set over the minimal values, and what Helm must say then. */
const REFUSALS: readonly [what: string, values: object, sentence: string][] = [
  ['an unknown key', { replicas: 3 }, "additional properties 'replicas' not allowed"],
  ['an unknown setting', { config: { kafka: { broker: ['a:1'] } } }, "additional properties 'broker' not allowed"],
  ['a secret in the ConfigMap', { config: { knot: { secret: 's' } } }, "additional properties 'secret' not allowed"],
  ['a duration without a unit', { config: { policy: { minGap: '10' } } }, 'does not match pattern'],
  ['a broker with a scheme', { config: { kafka: { brokers: ['http://a'] } } }, 'does not match pattern'],
  ['a level that there is not', { config: { log: { level: 'loud' } } }, 'value must be one of'],
  [
    'no brokers',
    { config: { kafka: { brokers: [] } } },
    'config.kafka.brokers is required: there is no Kafka without it',
  ],
  ['no registry', { config: { registry: { url: null } } }, 'config.registry.url is required: schemas are kept there'],
  ['no vault', { config: { vault: { url: null } } }, 'config.directory.url is required: users are looked up there'],
  [
    'no vault for the provisioner',
    { config: { vault: { url: null }, directory: { url: 'https://d' } } },
    'config.vault.url is required: the provisioner fetches cards there',
  ],
  ['no Knot', { config: { knot: { url: null } } }, 'config.knot.url is required: the provisioner pushes cards there'],
  [
    "no secret of Knot's",
    { provisioner: { secrets: { 'knot.secret': null } } },
    'config.knot.secret is required: give it as provisioner.secrets',
  ],
  [
    'no way into the vault',
    { provisioner: { secrets: { 'vault.token': null } } },
    'config.vault.token is required: give it as provisioner.secrets (or vault.ssl.cert and vault.ssl.key)',
  ],
  [
    "Knot's secret for all",
    { secrets: { 'knot.secret': { name: 'a', key: 'b' } } },
    'knot.secret opens the way to cards and would reach the processor: give it to provisioner.secrets only',
  ],
  [
    "the vault's token for the processor",
    { processor: { secrets: { 'vault.token': { name: 'a', key: 'b' } } } },
    'vault.token opens the way to cards and would reach the processor',
  ],
  [
    "the vault's token for the processor, as a variable",
    { processor: { extraEnv: [{ name: 'ONFILE_VAULT_TOKEN', value: 'x' }] } },
    'vault.token opens the way to cards and would reach the processor',
  ],
  [
    "the vault's token for the processor, as a file",
    { processor: { config: { vault: { tokenFile: '/x' } } } },
    'vault.token opens the way to cards and would reach the processor',
  ],
  [
    "the vault's token for the bootstrap Job",
    { bootstrap: { secrets: { 'vault.token': { name: 'a', key: 'b' } } } },
    'vault.token opens the way to cards and would reach the bootstrap',
  ],
  ...['vault.ssl.cert', 'vault.ssl.key', 'knot.ssl.cert', 'knot.ssl.key'].flatMap(path => identity(path)),
  [
    'a secret written into a variable',
    { provisioner: { extraEnv: [{ name: 'ONFILE_KNOT_SECRET', value: 'x' }] } },
    'provisioner.extraEnv has ONFILE_KNOT_SECRET with its value: secrets come out of Secrets, by provisioner.secrets',
  ],
  [
    'a password written into a variable of the bootstrap Job',
    { bootstrap: { extraEnv: [{ name: 'ONFILE_KAFKA_SASL_PASSWORD', value: 'x' }] } },
    'bootstrap.extraEnv has ONFILE_KAFKA_SASL_PASSWORD with its value',
  ],
  [
    'brokers by a variable, whose port no network policy sees',
    { processor: { extraEnv: [{ name: 'ONFILE_KAFKA_BROKERS', value: 'a:9093' }] } },
    'processor.extraEnv has ONFILE_KAFKA_BROKERS, and the NetworkPolicy cannot see its port: set config.kafka.brokers instead, or networkPolicy.kafka.ports',
  ],
  [
    'no brokers but those of a variable',
    {
      config: { kafka: { brokers: [] } },
      processor: { extraEnv: [{ name: 'ONFILE_KAFKA_BROKERS', value: 'a:9093' }] },
    },
    'processor.extraEnv has ONFILE_KAFKA_BROKERS, and the NetworkPolicy cannot see its port',
  ],
  [
    "Knot's second address by a variable",
    { provisioner: { extraEnv: [{ name: 'ONFILE_KNOT_SECURE_URL', value: 'https://k:8443' }] } },
    'set config.knot.secureUrl instead, or networkPolicy.knot.ports',
  ],
  [
    'a registry that is somewhere in a ConfigMap',
    {
      config: { registry: { url: null } },
      processor: { extraEnvFrom: [{ configMapRef: { name: 'a' } }] },
    },
    'processor has no config.registry.url, so the NetworkPolicy cannot see its port: set it, or networkPolicy.registry.ports where processor.extraEnvFrom gives the address',
  ],
  ['roles', { config: { roles: ['decide'] } }, 'config.roles is set by the chart'],
  ['the state directory', { config: { state: { dir: '/x' } } }, 'config.state.dir is set by the chart'],
  [
    'one instance id for all pods',
    { processor: { config: { kafka: { groupInstanceId: 'x' } } } },
    'config.kafka.groupInstanceId is set by the chart to the name of each pod',
  ],
  [
    'less time than the shutdown takes',
    { config: { shutdown: { deadline: '51s' } } },
    'terminationGracePeriodSeconds (60) must be at least 10 s more than shutdown.deadline (51 s)',
  ],
  ['a port that changes', { config: { admin: { port: 0 } } }, 'config.admin.port must be a fixed port'],
  [
    'volumes for a Deployment',
    { processor: { kind: 'Deployment' } },
    'processor.kind Deployment has no volume per pod',
  ],
  [
    'one claim for two pods',
    { provisioner: { persistence: { existingClaim: 'c' } } },
    'provisioner.persistence.existingClaim is one volume for one pod',
  ],
  [
    'more pods than partitions',
    { config: { topics: { partitions: 4 } }, processor: { autoscaling: { enabled: true } } },
    'processor.autoscaling.maxReplicas (6) is above config.topics.partitions (4)',
  ],
  [
    'two scrapers',
    { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } },
    'podMonitor and serviceMonitor would scrape every pod twice',
  ],
  ['topics of nobody', { strimzi: { topics: true } }, 'strimzi.topics and strimzi.users need strimzi.cluster'],
  ['a short digest', { image: { digest: 'sha256:12' } }, 'does not match pattern'],
]

/** The ways in which a certificate that opens cards might reach somebody else than the provisioner. */
function identity(path: string): [what: string, values: object, sentence: string][] {
  const sentence = (of: string): string =>
    `${path} opens the way to cards and would reach the ${of}: give it to provisioner.secrets only`
  const secrets = { [path]: { name: 'a', key: 'b' } }
  const variable = `ONFILE_${path.replaceAll('.', '_').toUpperCase()}`
  const [group, , name] = path.split('.')
  return [
    [`${path} for all`, { secrets }, sentence('processor')],
    [`${path} for the bootstrap Job`, { bootstrap: { secrets } }, sentence('bootstrap')],
    [
      `${path} as a variable`,
      { processor: { extraEnv: [{ name: `${variable}_FILE`, value: '/x' }] } },
      sentence('processor'),
    ],
    [
      `${path} as a file`,
      { processor: { config: { [group!]: { ssl: { [`${name}File`]: '/x' } } } } },
      sentence('processor'),
    ],
  ]
}

describe.runIf(helm !== '')('the chart refuses', () => {
  test.each(REFUSALS)('%s', async (_what, values, sentence) => {
    const { refusal } = await render(helm, [ciFile('minimal')], values)
    expect(refusal).toContain(sentence)
  })

  test('no address by a variable where the ports are named, or where there is no policy', async () => {
    const processor = { extraEnv: [{ name: 'ONFILE_KAFKA_BROKERS', value: 'a:9093' }] }
    const named = await render(helm, [ciFile('minimal')], { processor, networkPolicy: { kafka: { ports: [9093] } } })
    expect(named.refusal).toBeNull()
    const none = await render(helm, [ciFile('minimal')], { processor, networkPolicy: { enabled: false } })
    expect(none.refusal).toBeNull()
  })

  test('nothing of what it accepts elsewhere', async () => {
    const { refusal } = await render(helm, [ciFile('minimal')])
    expect(refusal).toBeNull()
  })
})
