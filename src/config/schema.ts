import { z } from 'zod'
import {
  choice,
  choices,
  duration,
  durations,
  factor,
  flag,
  integer,
  longSecret,
  optionalChoice,
  optionalInteger,
  optionalText,
  pem,
  secret,
  text,
  texts,
  url,
} from './leaves.ts'
import { merchantOverrides, pattern, rate, reasonOverrides, startAt } from './specialLeaves.ts'

/** What a process does unless told: in the order in which a record meets the roles. */
export const DEFAULT_ROLES = ['ingest', 'decide', 'provision'] as const
/** The roles of this release. `switcher` is for issuers who use Knot's task flow. */
export const ROLES = [...DEFAULT_ROLES, 'switcher'] as const
export type Role = (typeof ROLES)[number]
/** The roles that see cards: they need the vault and Knot. */
export const CARD_ROLES: readonly Role[] = ['provision', 'switcher']

const broker = { test: /^(\[[0-9a-fA-F:]+\]|[^\s:,/]+):\d{1,5}$/, rule: 'must be host:port, without a scheme' }
const name = { test: /^[a-zA-Z0-9._-]{1,100}$/, rule: 'must be 1 to 100 letters, digits, dots, dashes or underscores' }
const topicName = {
  test: /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/,
  rule: 'must be a topic name: 1 to 249 letters, digits, dots, dashes or underscores',
}

function topic(description: string, fallback: string) {
  return text(description, fallback, topicName)
}

/** A topic of onfile's own: its default name begins with `application.id`. */
function ownTopic(description: string, suffix: string) {
  const value = z.string().regex(topicName.test, topicName.rule)
  return optionalText(description, { defaultText: `\`<application.id>-${suffix}\`` }, value)
}

function tls(whose: string) {
  return {
    ca: pem(`Certificates of the authorities that vouch for ${whose}, instead of the system's.`),
    cert: pem(`Own certificate for mutual TLS with ${whose}.`),
    key: pem(`Private key of the certificate for ${whose}.`, { secret: true }),
  }
}

const COUNT = { minimum: 1, maximum: 1_000_000 } as const

/**
 * Every setting of onfile: the keys, types, defaults and descriptions of contract.md section 6. `docs/configuration.md`
 * is generated from it. A group of keys is a strict object; everything else is a leaf with an entry in `keyDescriptions`.
 */
export const configSchema = z.strictObject({
  kafka: z.strictObject({
    brokers: texts('Brokers to start from, as host:port.', broker),
    ssl: z.strictObject({
      enabled: flag('TLS to the brokers.', false),
      ...tls('the brokers'),
      keyPassphrase: secret('Passphrase of `kafka.ssl.key`.'),
    }),
    sasl: z.strictObject({
      mechanism: optionalChoice('How onfile authenticates to the brokers; without it, not at all.', [
        'plain',
        'scram-sha-256',
        'scram-sha-512',
        'oauthbearer',
      ]),
      username: optionalText('User of PLAIN and SCRAM.'),
      password: secret('Password of PLAIN and SCRAM.'),
      tokenUrl: url('OAUTHBEARER: token endpoint, asked with the client credentials grant.'),
      clientId: optionalText('OAUTHBEARER: client id.'),
      clientSecret: secret('OAUTHBEARER: client secret.'),
      scope: optionalText('OAUTHBEARER: scope to ask for.'),
    }),
    sessionTimeout: duration(
      'A process that the group has not heard of for so long loses its partitions. Longer than a restart, so that a restart moves nothing.',
      '45s',
      1_000,
    ),
    groupInstanceId: optionalText(
      'Name of this process that stays the same over restarts (a StatefulSet pod name): partitions then wait for it. SIGTERM does not leave the group.',
      {},
      z.string().regex(name.test, name.rule),
    ),
  }),
  registry: z.strictObject({
    url: url('Schema registry with the Confluent API.'),
    auth: z.strictObject({
      username: optionalText('User for basic authentication.'),
      password: secret('Password for basic authentication.'),
      token: secret('Bearer token, instead of user and password.'),
    }),
    ssl: z.strictObject(tls('the registry')),
    timeout: duration('One request to the registry.', '5s'),
    autoRegister: flag(
      'Register missing schemas at start. For sandboxes: elsewhere `onfile schemas register` does it.',
      false,
    ),
  }),
  roles: choices(
    "What this process does. Only `provision` and `switcher` need the vault and Knot. `switcher`, which is off unless named, answers Knot's task flow (AUTHENTICATED with `send_card`) within its 15 seconds.",
    ROLES,
    DEFAULT_ROLES,
  ),
  topics: z.strictObject({
    cardLifecycle: topic("The issuer's account-updater events.", 'card-lifecycle'),
    knotEvents: topic("Knot's webhooks.", 'knot-events'),
    userEvents: ownTopic('The one ordered stream per user.', 'user-events'),
    provisioningCommands: topic('What shall be done.', 'provisioning-commands'),
    cardSuppressions: topic('Who must not be pushed, and why.', 'card-suppressions'),
    cardOutcomes: topic('What happened, for downstream teams.', 'card-outcomes'),
    decideChangelog: ownTopic('State of DECIDE.', 'decide-changelog'),
    provisionChangelog: ownTopic('State of PROVISION.', 'provision-changelog'),
    dlq: ownTopic('What could not be processed.', 'dlq'),
    retry: ownTopic('Replayed dead letters.', 'retry'),
    control: ownTopic('What is said to all processes at once: the global stop of pushes.', 'control'),
    partitions: optionalInteger(
      'Partition count of the topics that `onfile topics apply` creates. It cannot change later.',
      { minimum: 1, maximum: 10_000 },
      { defaultText: 'as the ones that exist, else `12`' },
    ),
    replicationFactor: integer('Replicas of the topics that `onfile topics apply` creates.', 3, {
      minimum: 1,
      maximum: 100,
    }),
  }),
  application: z.strictObject({
    id: text('Prefix of consumer groups, transactional ids and own topics. Changing it starts anew.', 'onfile', name),
  }),
  state: z.strictObject({
    dir: text('Local copies of the state. Losing them costs time, never data. One process at a time.', './state'),
  }),
  engine: z.strictObject({
    commitInterval: duration('A partition commits at most so often: shorter is fresher, longer is cheaper.', '100ms'),
    maxRecordsPerCycle: integer('Records in one transaction at most.', 5000, COUNT),
    compression: choice('Compression of what onfile writes.', ['none', 'gzip', 'snappy', 'lz4', 'zstd'], 'none'),
    cacheEntries: integer('State entries kept in memory per partition, about.', 50_000, COUNT),
  }),
  ingest: z.strictObject({
    startAt: startAt(
      'Where to begin the first time. Required while the group has no offset for an input partition: neither years of old events nor a gap may come by default.',
    ),
    cardRef: choice("Field of the event's `data` that is the stable id of the card.", ['id', 'token'], 'id'),
    userFrom: choices(
      'Where the user of a lifecycle event is looked for, in this order. `key` is the record key.',
      ['header', 'field', 'directory', 'key'],
      ['header', 'field', 'directory'],
    ),
    futureSkew: duration('An event dated further ahead than this is a dead letter.', '5m'),
    idPattern: pattern(
      "The issuer's own numeric id format: ids that match are not taken for card numbers. INGEST, DECIDE and SWITCHER look for card numbers, and the commands for operators: set it for all of them.",
    ),
    hashKey: secret('Key of the hash by which repeated webhooks are recognised.', { defaultText: '`application.id`' }),
  }),
  directory: z.strictObject({
    url: url('Card directory: tells the user of a card.', { defaultText: '`vault.url`' }),
    token: secret('Bearer token of the directory.', {
      defaultText: '`vault.token` where the directory is at the host of `vault.url`',
    }),
    ssl: z.strictObject(tls('the directory')),
    timeout: duration('One look-up.', '5s'),
    allowInsecure: flag(
      'Plain http to another host than this machine, where a service mesh encrypts below it. Without one the token travels readable.',
      false,
    ),
  }),
  knot: z.strictObject({
    url: url("Knot's API."),
    secureUrl: url('Host that takes cards as plain JSON, for `knot.cardData: plain`.'),
    clientId: optionalText('Client id at Knot.'),
    secret: secret('Secret at Knot.'),
    ssl: z.strictObject(tls('Knot')),
    cardData: choice('How a card is sent: encrypted, or as plain JSON over TLS.', ['jwe', 'plain'], 'jwe'),
    timeout: duration('One request to Knot.', '10s'),
    probeInterval: duration('After 401 or 403 pushes stop and Knot is asked again so often.', '30s'),
    concurrency: integer(
      'Pushes and looks at accounts under way at once, over all processes: each takes the share that its partitions are.',
      256,
      { minimum: 1, maximum: 10_000 },
    ),
    ratePerSecond: rate('Pushes and looks at accounts begun per second, over all processes in the same way.'),
    allowInsecure: flag('Plain http to another host than this machine. Cards and secrets then travel readable.', false),
  }),
  provision: z.strictObject({
    merchantConcurrency: integer(
      'Pushes to one merchant under way at once, over all processes; at least one per process. Bounds what one slow merchant can take of `knot.concurrency`: half of that at most, unless `provision.merchants` names it.',
      32,
      { minimum: 1, maximum: 10_000 },
    ),
    merchantRatePerSecond: rate(
      "Pushes to one merchant begun per second, over all processes. Lower it for a card conversion that would look like an attack to a merchant's fraud rules.",
      25,
    ),
    merchants: merchantOverrides('Merchants with limits of their own.'),
    breakerWait: duration(
      'Most of the last pushes to a merchant, or to Knot as a whole, failed: the next one is tried after so long, then after twice as long, up to 5 min.',
      '5s',
    ),
    openCommands: integer(
      'Commands that wait or run per partition at most: then the input of the partition waits too, and with it the CANCELs in it. Each costs about 2 KB.',
      20_000,
      COUNT,
    ),
  }),
  vault: z.strictObject({
    url: url("The issuer's card vault."),
    token: secret('Bearer token of the vault.'),
    ssl: z.strictObject(tls('the vault')),
    timeout: duration('One request to the vault.', '5s'),
    allowInsecure: flag(
      'Plain http to another host than this machine, where a service mesh encrypts below it. Without one cards and the token travel readable.',
      false,
    ),
  }),
  policy: z.strictObject({
    minGap: duration('Between two attempts of one user and merchant that Knot accepted.', '10m'),
    resultSoft: duration('No result after so long: the account is looked at.', '15m'),
    resultHard: duration('No result after so long: the attempt ends as NO_RESULT.', '24h'),
    retryScale: factor(
      'Multiplies every wait of the reason table and of `policy.vaultRecheck`. For tests and demos.',
      1,
      {
        minimum: 0,
        maximum: 1_000,
      },
    ),
    unknownHolder: choice('What to do where it is unknown which card a merchant holds.', ['push', 'skip'], 'push'),
    vaultRecheck: durations(
      'When a card that is not active yet, or a vault behind the event, is looked at again.',
      '1h,24h,72h,7d',
    ),
    reconcileDone: texts("Values of Knot's `last_user_action` status that prove a switch done."),
    reasons: reasonOverrides('Changes to the table of failure reasons.'),
  }),
  admin: z.strictObject({
    host: text('Address of the admin server: probes and metrics.', '127.0.0.1'),
    port: integer('Its port; 0 takes a free one.', 9400, { minimum: 0, maximum: 65_535 }),
    token: longSecret(
      'Bearer token for admin calls that change or reveal something, 32 characters or more. Without it they are refused.',
      32,
    ),
    advertisedUrl: url(
      'Where operators reach this admin server, such as `http://pod-0.onfile:9400`: another instance that is asked for a user of this one sends them here.',
    ),
  }),
  shutdown: z.strictObject({
    deadline: duration(
      'After SIGTERM what runs may take so long to finish. Below the grace period of the platform.',
      '25s',
    ),
  }),
  log: z.strictObject({
    level: choice(
      'The least severe messages that are written.',
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace'],
      'info',
    ),
    pretty: flag('Log for people instead of JSON.', false),
  }),
})

/** The settings as read, before defaults that are made of other keys are filled in. */
export type ParsedConfig = z.output<typeof configSchema>
