import type { TopicNames } from '../../src/config/topicNames.ts'
import type { Bed } from '../bed/bed.ts'
import type { KnotSimulator } from '../knot/knotSimulator.ts'
import type { Vault } from '../vault/vaultServer.ts'

/**
 * Names of the demo's topics: the defaults on a bed of its own; with a prefix on a cluster that was given, where the
 * default names may belong to somebody.
 */
export const demoTopics = (prefix: string): TopicNames => ({
  cardLifecycle: `${prefix}card-lifecycle`,
  knotEvents: `${prefix}knot-events`,
  userEvents: `${prefix}onfile-user-events`,
  provisioningCommands: `${prefix}provisioning-commands`,
  cardSuppressions: `${prefix}card-suppressions`,
  cardOutcomes: `${prefix}card-outcomes`,
  decideChangelog: `${prefix}onfile-decide-changelog`,
  provisionChangelog: `${prefix}onfile-provision-changelog`,
  dlq: `${prefix}onfile-dlq`,
  retry: `${prefix}onfile-retry`,
  control: `${prefix}onfile-control`,
})

const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()

/**
 * The configuration of the demo's onfile, as a user would put it into the environment. Waits are short, so that retries
 * and deadlines happen while somebody watches.
 */
export const productSettings = (
  bed: Bed,
  topics: TopicNames,
  prefix: string,
  knot: Pick<KnotSimulator, 'url' | 'secureUrl' | 'clientId' | 'secret'>,
  vault: Pick<Vault, 'url' | 'token'>,
): Record<string, string> => ({
  ONFILE_KAFKA_BROKERS: bed.brokers,
  ONFILE_REGISTRY_URL: bed.registryUrl,
  ONFILE_REGISTRY_AUTO_REGISTER: 'true',
  ...Object.fromEntries(Object.entries(topics).map(([key, name]) => [`ONFILE_TOPICS_${snake(key)}`, name as string])),
  ONFILE_TOPICS_PARTITIONS: '4',
  ONFILE_TOPICS_REPLICATION_FACTOR: '1',
  ONFILE_APPLICATION_ID: `${prefix}onfile`,
  ONFILE_INGEST_START_AT: 'earliest',
  ONFILE_KNOT_URL: knot.url,
  ONFILE_KNOT_SECURE_URL: knot.secureUrl,
  ONFILE_KNOT_CLIENT_ID: knot.clientId,
  ONFILE_KNOT_SECRET: knot.secret,
  ONFILE_VAULT_URL: vault.url,
  ONFILE_VAULT_TOKEN: vault.token,
  ONFILE_POLICY_MIN_GAP: '3s',
  ONFILE_POLICY_RESULT_SOFT: '3s',
  ONFILE_POLICY_RETRY_SCALE: '0.005',
  ONFILE_POLICY_RESULT_HARD: '6s',
  ONFILE_POLICY_VAULT_RECHECK: '1s,2s,4s',
  ONFILE_SHUTDOWN_DEADLINE: '10s',
})
