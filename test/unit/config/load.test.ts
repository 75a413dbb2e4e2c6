import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import type { Config } from '../../../src/config/config.ts'
import { ConfigError } from '../../../src/config/errors.ts'
import { acceptsFile, CONFIG_KEYS, environmentNameOf, fileKeyOf } from '../../../src/config/keys.ts'
import { loadConfig } from '../../../src/config/load.ts'
import type { Purpose } from '../../../src/config/rules.ts'

const directory = mkdtempSync(join(tmpdir(), 'onfile-config-'))
afterAll(() => rmSync(directory, { recursive: true }))
let files = 0

function fileOf(content: string): string {
  const path = join(directory, `file-${++files}`)
  writeFileSync(path, content)
  return path
}

interface Given {
  yaml?: string
  environment?: NodeJS.ProcessEnv
  flags?: Record<string, string>
  purpose?: Purpose
}

function load({ yaml, environment = {}, flags = {}, purpose = 'print' }: Given): Config {
  // Without a file of its own a test must not see one in the working directory.
  const file = fileOf(yaml ?? '{}')
  return loadConfig({ file, environment, flags: new Map(Object.entries(flags)) }, purpose)
}

function problemsOf(given: Given): readonly string[] {
  try {
    load(given)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const WHOLE = {
  ONFILE_KAFKA_BROKERS: 'localhost:9092',
  ONFILE_REGISTRY_URL: 'http://localhost:8081',
  ONFILE_KNOT_URL: 'https://knot.example',
  ONFILE_KNOT_CLIENT_ID: 'client',
  ONFILE_KNOT_SECRET: 's3cret-value',
  ONFILE_VAULT_URL: 'https://vault.example',
  ONFILE_VAULT_TOKEN: 'vault-token-value',
}

describe('values', () => {
  test('every key has the default of the contract', () => {
    const config = load({})
    expect(config).toMatchObject({
      kafka: { brokers: [], sessionTimeout: 45_000, groupInstanceId: null, ssl: { enabled: false } },
      registry: { url: null, autoRegister: false },
      roles: ['ingest', 'decide', 'provision'],
      application: { id: 'onfile' },
      state: { dir: './state' },
      engine: { commitInterval: 100, maxRecordsPerCycle: 5000, compression: 'none' },
      ingest: {
        startAt: null,
        cardRef: 'id',
        userFrom: ['header', 'field', 'directory'],
        futureSkew: 300_000,
        idPattern: null,
        hashKey: 'onfile',
      },
      directory: { url: null, token: null, timeout: 5_000 },
      knot: { cardData: 'jwe', timeout: 10_000, probeInterval: 30_000, concurrency: 256, ratePerSecond: null },
      vault: { timeout: 5_000 },
      policy: {
        minGap: 600_000,
        resultSoft: 900_000,
        resultHard: 86_400_000,
        retryScale: 1,
        unknownHolder: 'push',
        vaultRecheck: [3_600_000, 86_400_000, 259_200_000, 604_800_000],
        reconcileDone: [],
        reasons: {},
      },
      admin: { host: '127.0.0.1', port: 9400, token: null },
      shutdown: { deadline: 25_000 },
    })
    expect(config.topics).toMatchObject({
      cardLifecycle: 'card-lifecycle',
      knotEvents: 'knot-events',
      userEvents: 'onfile-user-events',
      provisioningCommands: 'provisioning-commands',
      cardSuppressions: 'card-suppressions',
      cardOutcomes: 'card-outcomes',
      decideChangelog: 'onfile-decide-changelog',
      provisionChangelog: 'onfile-provision-changelog',
      dlq: 'onfile-dlq',
      retry: 'onfile-retry',
      control: 'onfile-control',
    })
  })

  test('application.id renames the own topics, the vault stands in for the directory', () => {
    const config = load({
      environment: {
        ONFILE_APPLICATION_ID: 'bank',
        ONFILE_TOPICS_RETRY: 'again',
        ONFILE_VAULT_URL: 'https://vault:1',
        ONFILE_VAULT_TOKEN: 'vt',
      },
    })
    expect(config.topics).toMatchObject({
      userEvents: 'bank-user-events',
      retry: 'again',
      cardOutcomes: 'card-outcomes',
    })
    expect(config.directory).toMatchObject({ url: 'https://vault:1', token: 'vt' })
    expect(config.ingest.hashKey).toBe('bank')
  })

  test('flags win over the environment, the environment over the file, key by key', () => {
    const config = load({
      yaml: 'knot: { timeout: 1s, concurrency: 1, probeInterval: 1s }\nkafka: { brokers: [file:1] }',
      environment: { ONFILE_KNOT_TIMEOUT: '2s', ONFILE_KNOT_CONCURRENCY: '2', ONFILE_KAFKA_BROKERS: 'a:1, b:2' },
      flags: { 'knot.timeout': '3s' },
    })
    expect(config.knot).toMatchObject({ timeout: 3_000, concurrency: 2, probeInterval: 1_000 })
    expect(config.kafka.brokers).toEqual(['a:1', 'b:2'])
  })

  it.each<[string, string, unknown]>([
    ['ingest.startAt', 'earliest', 'earliest'],
    ['ingest.startAt', '2026-01-31T00:00:00Z', { timestampMs: Date.UTC(2026, 0, 31) }],
    ['ingest.startAt', '2026-01-31', { timestampMs: Date.UTC(2026, 0, 31) }],
    ['knot.ratePerSecond', 'unlimited', null],
    ['knot.ratePerSecond', '12.5', 12.5],
    ['policy.vaultRecheck', '1s,2m', [1_000, 120_000]],
    ['policy.retryScale', '0.001', 0.001],
    ['roles', 'decide', ['decide']],
    ['log.pretty', 'true', true],
    ['admin.port', '0', 0],
    ['kafka.brokers', '[::1]:9092', ['[::1]:9092']],
    ['policy.reasons', '{"other":{"class":"terminal","retries":0}}', { other: { class: 'terminal', retries: 0 } }],
    ['policy.reasons', '{"Pin  Timeout":{"class":"user_action"}}', { 'Pin  Timeout': { class: 'user_action' } }],
    ['policy.reasons', '{"card":{"waits":["1h"]}}', { card: { waits: [3_600_000] } }],
  ])('%s reads %s from the environment', (path, text, expected) => {
    const config = load({ environment: { [environmentNameOf(path)]: text } })
    expect(path.split('.').reduce<unknown>((group, name) => (group as Record<string, unknown>)[name], config)).toEqual(
      expected,
    )
  })

  test('an empty variable and an empty key in the file count as not set', () => {
    expect(load({ environment: { ONFILE_KNOT_URL: '' }, yaml: 'knot:\nvault: { token: }' }).knot.url).toBeNull()
  })

  test('names that are no settings are let be', () => {
    expect(
      problemsOf({ environment: { ONFILE_BED_BROKERS: 'x', ONFILE_CONFIG: '', HOME: '/', ONFILES: 'x' } }),
    ).toEqual([])
  })
})

describe('secrets', () => {
  it.each(CONFIG_KEYS.filter(acceptsFile).map(key => [key.path]))('%s may stand in a file', path => {
    const content = path === 'admin.token' ? 'x'.repeat(32) : '-----BEGIN X-----\nabc\n'
    const variable = environmentNameOf(fileKeyOf(path))
    const problems = problemsOf({ environment: { [variable]: fileOf(content) } })
    expect(problems.filter(problem => problem.startsWith(`${path} (`))).toEqual([])
    expect(variable).toMatch(/_FILE$/)
  })

  test('exactly one line break at the end of the file is dropped', () => {
    const secretOf = (content: string) =>
      load({ environment: { ONFILE_KNOT_SECRET_FILE: fileOf(content) } }).knot.secret
    expect(secretOf('abc')).toBe('abc')
    expect(secretOf('abc\n')).toBe('abc')
    expect(secretOf('abc\r\n')).toBe('abc')
    expect(secretOf('abc\n\n')).toBe('abc\n')
    expect(secretOf(' abc ')).toBe(' abc ')
  })

  test('the file may be named in the configuration file; a value from a later source wins over it', () => {
    const yaml = `knot: { secretFile: ${fileOf('from-file')} }`
    expect(load({ yaml }).knot.secret).toBe('from-file')
    expect(load({ yaml, environment: { ONFILE_KNOT_SECRET: 'from-environment' } }).knot.secret).toBe('from-environment')
  })

  test('the value and its file in one place are an error', () => {
    const problems = problemsOf({ environment: { ONFILE_KNOT_SECRET: 'a', ONFILE_KNOT_SECRET_FILE: fileOf('b') } })
    expect(problems).toEqual(['ONFILE_KNOT_SECRET and ONFILE_KNOT_SECRET_FILE are both set: keep one'])
  })

  test('a file that is missing or empty is an error that names the variable', () => {
    expect(problemsOf({ environment: { ONFILE_KNOT_SECRET_FILE: join(directory, 'absent') } })).toEqual([
      expect.stringMatching(/^knot\.secret \(ONFILE_KNOT_SECRET_FILE\) names a file that cannot be read: ENOENT/),
    ])
    expect(problemsOf({ environment: { ONFILE_KNOT_SECRET_FILE: fileOf('\n') } })).toEqual([
      'knot.secret (ONFILE_KNOT_SECRET_FILE) must not be empty',
    ])
  })

  test('a secret is refused on the command line', () => {
    expect(problemsOf({ flags: { 'knot.secret': 'abc' } })).toEqual([
      'knot.secret (command line) is a secret: set ONFILE_KNOT_SECRET_FILE instead',
    ])
  })

  test('no message holds the value of a secret, however wrong it is', () => {
    const problems = problemsOf({ yaml: 'knot: { secret: 123456789 }\nvault: { token: [tok-abc] }' }).join('\n')
    expect(problems).toContain('knot.secret')
    expect(problems).toContain('vault.token')
    expect(problems).not.toMatch(/123456789|tok-abc/)
    expect(problemsOf({ environment: { ONFILE_REGISTRY_URL: 'ftp://user:pass-abc@registry' } }).join()).not.toContain(
      'pass-abc',
    )
  })
})

describe('errors', () => {
  it.each<[Given, RegExp]>([
    [
      { environment: { ONFILE_KAFKA_BROKER: 'x' } },
      /^ONFILE_KAFKA_BROKER \(environment\) is not a setting: did you mean ONFILE_KAFKA_BROKERS\?$/,
    ],
    [{ environment: { ONFILE_CONFG: 'x' } }, /did you mean ONFILE_CONFIG\?$/],
    [{ environment: { ONFILE_KNOT_SECRET_FIL: 'x' } }, /did you mean ONFILE_KNOT_SECRET_FILE\?$/],
    [{ environment: { ONFILE_ZZZZZZ: 'x' } }, /^ONFILE_ZZZZZZ \(environment\) is not a setting$/],
    [{ environment: { ONFILE_SERVICE_HOST: '10.0.0.1' } }, /enableServiceLinks: false/],
    [{ environment: { ONFILE_PORT_9400_TCP_ADDR: '10.0.0.1' } }, /enableServiceLinks: false/],
    [{ yaml: 'kafka: { broker: [a:1] }' }, /^kafka\.broker \(.*\) is not a setting: did you mean kafka\.brokers\?$/],
    [{ yaml: 'kafak: { brokers: [a:1] }' }, /^kafak \(.*\) is not a setting/],
    [{ yaml: 'kafka.brokers: [a:1]' }, /^kafka\.brokers \(.*\) must be written nested/],
    [{ yaml: 'knot: true' }, /^knot \(.*\) must be a table of settings$/],
    [{ yaml: '- a' }, /must hold a table of settings/],
    [{ yaml: 'knot: [' }, /line \d+ is not YAML/],
    [{ yaml: 'knot: { timeout: 1s, timeout: 2s }' }, /line 1 is not YAML/],
    [
      { flags: { 'knot.timout': '1s' } },
      /^knot\.timout \(command line\) is not a setting: did you mean knot\.timeout\?$/,
    ],
    [{ yaml: 'knot: { timeout: 30 }' }, /^knot\.timeout \(.*\) must be a duration with its unit, .*, not 30$/],
    [
      { environment: { ONFILE_KNOT_TIMEOUT: 'soon' } },
      /^knot\.timeout \(ONFILE_KNOT_TIMEOUT\) must be a duration .*, not "soon"$/,
    ],
    [{ environment: { ONFILE_KNOT_TIMEOUT: '0s' } }, /^knot\.timeout .* must be at least 1ms/],
    [{ environment: { ONFILE_KAFKA_SESSION_TIMEOUT: '10ms' } }, /must be at least 1s/],
    [
      { environment: { ONFILE_ROLES: 'ingest,decided' } },
      /^roles\.1 \(ONFILE_ROLES\) must be a list of: ingest, decide, provision, switcher/,
    ],
    [{ environment: { ONFILE_ROLES: 'ingest,ingest' } }, /^roles .* must not name one twice/],
    [{ environment: { ONFILE_ROLES: ',' } }, /^roles .* must be a list of/],
    [
      { environment: { ONFILE_KAFKA_BROKERS: 'kafka://a:1' } },
      /^kafka\.brokers\.0 .* must be host:port, without a scheme/,
    ],
    [{ environment: { ONFILE_ADMIN_PORT: '70000' } }, /^admin\.port .* must be between 0 and 65535/],
    [{ environment: { ONFILE_ADMIN_PORT: '80.5' } }, /^admin\.port .* must be a whole number/],
    [{ environment: { ONFILE_LOG_PRETTY: 'yes' } }, /^log\.pretty .* must be true or false, not "yes"$/],
    [{ environment: { ONFILE_ENGINE_COMPRESSION: 'brotli' } }, /must be none or gzip or snappy or lz4 or zstd/],
    [
      { environment: { ONFILE_INGEST_START_AT: 'yesterday' } },
      /^ingest\.startAt .* must be earliest, latest or an ISO time/,
    ],
    [{ environment: { ONFILE_INGEST_START_AT: '2026-01-31T00:00:00' } }, /^ingest\.startAt/],
    [{ environment: { ONFILE_INGEST_ID_PATTERN: '(' } }, /^ingest\.idPattern .* must be a regular expression/],
    [{ environment: { ONFILE_KNOT_RATE_PER_SECOND: '0' } }, /^knot\.ratePerSecond .* must be a number above 0/],
    [{ environment: { ONFILE_REGISTRY_URL: 'localhost:8081' } }, /^registry\.url .* must be a full http or https URL/],
    [{ environment: { ONFILE_POLICY_REASONS: 'other=terminal' } }, /^policy\.reasons .* must be a table of reasons/],
    [
      { yaml: 'policy: { reasons: { other: { class: never } } }' },
      /^policy\.reasons\.other\.class .* must be auto_retry or/,
    ],
    [
      { environment: { ONFILE_POLICY_REASONS: '{"insufficient_funds":{"class":"terminal"}}' } },
      /^policy\.reasons\.insufficient_funds .* is not how Knot writes it: write "insufficient funds"/,
    ],
    [
      { environment: { ONFILE_POLICY_REASONS: '{"crad in use":{"class":"terminal"}}' } },
      /^policy\.reasons\.crad in use .* write "card in use"/,
    ],
    [
      { environment: { ONFILE_POLICY_REASONS: '{"insufficient balance":{"retries":0}}' } },
      /^policy\.reasons\.insufficient balance .* give it a class/,
    ],
    [
      { environment: { ONFILE_POLICY_REASONS: '{"card":{"retries":1}}' } },
      /^policy\.reasons\.card .* has retries and no waits/,
    ],
    [
      { environment: { ONFILE_POLICY_REASONS: '{"pin":{"class":"auto_retry","retries":2}}' } },
      /^policy\.reasons\.pin .* has retries and no waits/,
    ],
    [
      { environment: { ONFILE_POLICY_REASONS: '{"card":{"class":"terminal"},"CARD ":{"retries":0}}' } },
      /^policy\.reasons\.CARD {2}.* is the same reason as "card"/,
    ],
    [{ environment: { ONFILE_TOPICS_DLQ: 'a b' } }, /^topics\.dlq .* must be a topic name/],
    [
      { environment: { ONFILE_TOPICS_DLQ: 'card-outcomes' } },
      /^topics\.cardOutcomes and topics\.dlq are both card-outcomes/,
    ],
    [{ environment: { ONFILE_APPLICATION_ID: 'a/b' } }, /^application\.id/],
    [{ environment: { ONFILE_KNOT_URL: 'http://knot.example' } }, /^knot\.url is plain http to knot\.example/],
    [{ environment: { ONFILE_KNOT_URL: 'http://127.0.0.1.example' } }, /^knot\.url is plain http/],
    [{ environment: { ONFILE_KNOT_CARD_DATA: 'plain' } }, /^knot\.secureUrl is required/],
    [
      { environment: { ONFILE_KAFKA_SASL_MECHANISM: 'plain', ONFILE_KAFKA_SASL_USERNAME: 'u' } },
      /^kafka\.sasl\.password is required/,
    ],
    [{ environment: { ONFILE_KAFKA_SASL_USERNAME: 'u' } }, /without kafka\.sasl\.mechanism/],
    [
      { environment: { ONFILE_VAULT_SSL_CERT: '-----BEGIN CERTIFICATE-----' } },
      /^vault\.ssl\.cert is set without vault\.ssl\.key/,
    ],
    [
      { environment: { ONFILE_KNOT_SSL_KEY: '-----BEGIN PRIVATE KEY-----' } },
      /^knot\.ssl\.key is set without knot\.ssl\.cert/,
    ],
    [
      { environment: { ONFILE_DIRECTORY_SSL_CERT: '-----BEGIN CERTIFICATE-----' } },
      /^directory\.ssl\.cert is set without directory\.ssl\.key/,
    ],
    [
      { environment: { ONFILE_KNOT_CARD_DATA: 'plain', ONFILE_KNOT_SECURE_URL: 'http://secure.knot.example' } },
      /^knot\.secureUrl is plain http to secure\.knot\.example/,
    ],
    [
      { environment: { ONFILE_DIRECTORY_URL: 'http://directory.example' } },
      /^directory\.url is plain http to directory\.example: use https \(directory\.allowInsecure/,
    ],
    [{ environment: { ONFILE_KAFKA_SSL_CA: '-----BEGIN CERTIFICATE-----' } }, /kafka\.ssl\.enabled is false/],
    [{ environment: { ONFILE_REGISTRY_AUTH_USERNAME: 'u' } }, /go together/],
    [{ environment: { ONFILE_POLICY_RESULT_SOFT: '24h' } }, /^policy\.resultSoft must be shorter/],
  ])('%j', (given, message) => {
    expect(problemsOf(given)).toEqual([expect.stringMatching(message)])
  })

  it.each(['http://localhost:1', 'http://127.0.0.1:1', 'http://[::1]:1', 'https://knot.example'])(
    'knot.url may be %s',
    url => {
      expect(problemsOf({ environment: { ONFILE_KNOT_URL: url } })).toEqual([])
    },
  )

  test('knot.allowInsecure permits plain http elsewhere', () => {
    expect(problemsOf({ environment: { ONFILE_KNOT_URL: 'http://knot', ONFILE_KNOT_ALLOW_INSECURE: 'true' } })).toEqual(
      [],
    )
  })

  test('vault.url may be plain http to this machine, or where vault.allowInsecure says so, and nowhere else', () => {
    const problems = (url: string, allow: string) =>
      problemsOf({ environment: { ONFILE_VAULT_URL: url, ONFILE_VAULT_ALLOW_INSECURE: allow } })
    expect(problems('http://127.0.0.1:1', 'false')).toEqual([])
    expect(problems('https://vault.example', 'false')).toEqual([])
    expect(problems('http://vault.example', 'true')).toEqual([])
    expect(problems('http://vault.example', 'false')).toEqual([
      expect.stringMatching(/^vault\.url is plain http to vault\.example: use https \(vault\.allowInsecure/),
    ])
  })

  test('directory.url may be plain http where it is the vault and that is permitted, or where it is permitted itself', () => {
    const vault = { ONFILE_VAULT_URL: 'http://vault.example', ONFILE_VAULT_ALLOW_INSECURE: 'true' }
    const at = (url: string, allow: string) =>
      problemsOf({ environment: { ...vault, ONFILE_DIRECTORY_URL: url, ONFILE_DIRECTORY_ALLOW_INSECURE: allow } })
    expect(at('http://vault.example', 'false')).toEqual([])
    expect(at('http://directory.example', 'true')).toEqual([])
    expect(at('http://directory.example', 'false')).toHaveLength(1)
  })

  test('a file that was named must exist', () => {
    expect(() => loadConfig({ file: join(directory, 'none.yaml'), environment: {} }, 'print')).toThrow(
      /none\.yaml does not exist; --config names it/,
    )
    expect(() => loadConfig({ environment: { ONFILE_CONFIG: join(directory, 'no.yaml') } }, 'print')).toThrow(
      /no\.yaml does not exist; ONFILE_CONFIG names it/,
    )
  })

  test('all problems of all sources come in one message', () => {
    const given: Given = {
      yaml: 'kafka: { broker: [a:1] }\nknot: { timeout: 30 }',
      environment: { ONFILE_VALT_URL: 'x', ONFILE_KNOT_URL: 'http://knot.example', ONFILE_ADMIN_PORT: 'x' },
      flags: { nonsense: '1' },
      purpose: 'run',
    }
    const message = new ConfigError(problemsOf(given)).message
    for (const part of [
      'kafka.broker ',
      'knot.timeout',
      'ONFILE_VALT_URL',
      'knot.url is plain http',
      'admin.port',
      'nonsense',
      'kafka.brokers is required',
      'registry.url is required',
      'knot.clientId is required',
      'knot.secret is required',
      'vault.url is required',
      'vault.token is required',
      'directory.url is required',
    ]) {
      expect(message).toContain(part)
    }
    expect(message).toMatch(/^The configuration has 13 problems; /)
  })
})

describe('what opens the vault', () => {
  const PEM = '-----BEGIN CERTIFICATE-----'
  const vault = {
    ONFILE_VAULT_URL: 'https://vault.example/v1',
    ONFILE_VAULT_TOKEN: 'vault-token',
    ONFILE_VAULT_SSL_CA: PEM,
  }
  const directoryWith = (environment: NodeJS.ProcessEnv) =>
    load({ environment: { ...vault, ...environment } }).directory

  it.each([undefined, 'https://vault.example/owners'])('opens a directory at %s, its own host', url => {
    const { token, ssl } = directoryWith(url === undefined ? {} : { ONFILE_DIRECTORY_URL: url })
    expect([token, ssl.ca]).toEqual(['vault-token', PEM])
  })

  it.each(['https://directory.example', 'https://vault.example:8443'])('is not shown to a directory at %s', url => {
    const { token, ssl } = directoryWith({ ONFILE_DIRECTORY_URL: url })
    expect([token, ssl]).toEqual([null, { ca: null, cert: null, key: null }])
  })

  it('gives way to what is set for the directory', () => {
    const own = `${PEM} own`
    const { token, ssl } = directoryWith({ ONFILE_DIRECTORY_TOKEN: 'own-token', ONFILE_DIRECTORY_SSL_CA: own })
    expect([token, ssl.ca]).toEqual(['own-token', own])
  })
})

describe('what a command needs', () => {
  it.each<[Purpose, NodeJS.ProcessEnv, string[]]>([
    ['run', WHOLE, []],
    ['print', {}, []],
    ['topics', {}, ['kafka.brokers']],
    ['schemas', {}, ['registry.url']],
    ['run', { ...WHOLE, ONFILE_KAFKA_BROKERS: ',' }, ['kafka.brokers']],
    ['run', { ...WHOLE, ONFILE_KNOT_SECRET: '' }, ['knot.secret']],
    ['run', { ...WHOLE, ONFILE_VAULT_TOKEN: '' }, ['vault.token']],
    [
      'run',
      { ...WHOLE, ONFILE_ROLES: 'switcher', ONFILE_VAULT_TOKEN: '', ONFILE_KNOT_SECRET: '' },
      ['knot.secret', 'vault.token'],
    ],
    ['run', { ...WHOLE, ONFILE_VAULT_URL: '' }, ['vault.url', 'directory.url']],
    ['run', { ONFILE_KAFKA_BROKERS: 'a:1', ONFILE_REGISTRY_URL: 'http://r', ONFILE_ROLES: 'decide' }, []],
    [
      'run',
      { ONFILE_KAFKA_BROKERS: 'a:1', ONFILE_REGISTRY_URL: 'http://r', ONFILE_ROLES: 'ingest' },
      ['directory.url'],
    ],
  ])('%s with %j lacks %j', (purpose, environment, missing) => {
    expect(problemsOf({ environment, purpose }).map(problem => problem.split(' ')[0])).toEqual(missing)
  })
})
