import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kafkaOptionsOf } from '../../../src/cli/kafkaOptions.ts'
import { exitCodeOfError } from '../../../src/cli/failure.ts'
import { EXIT } from '../../../src/cli/exitCodes.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { startIdentityProvider } from '../../support/identityProvider.ts'
import type { IdentityProvider } from '../../support/identityProvider.ts'
import { startSecuredKafka } from '../../support/securedKafka.ts'
import type { SecuredKafka } from '../../support/securedKafka.ts'
import { selfSigned } from '../../support/selfSigned.ts'

/** Who we are towards a real broker, from the settings of an operator to the answer, and what is rotated while we run. */

const [first, second, stranger] = [selfSigned('onfile'), selfSigned('onfile-new'), selfSigned('stranger')]
let provider: IdentityProvider
let kafka: SecuredKafka
let directory: string
const clusters: Cluster[] = []

beforeAll(async () => {
  provider = await startIdentityProvider('onfile')
  kafka = await startSecuredKafka({ clientCertificates: [first.cert, second.cert], identityProvider: provider })
})
afterAll(async () => {
  await kafka.stop()
  await provider.stop()
})
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'onfile-identity-'))
  file('ca.pem', kafka.ca)
})
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close()
  rmSync(directory, { recursive: true })
})

function file(name: string, content: string): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

/** As `onfile` would with these settings. */
async function connect(brokers: string, settings: Readonly<Record<string, string>>): Promise<Cluster> {
  const environment = {
    ONFILE_KAFKA_BROKERS: brokers,
    ONFILE_KAFKA_SSL_ENABLED: 'true',
    ONFILE_KAFKA_SSL_CA_FILE: join(directory, 'ca.pem'),
    ...settings,
  }
  const cluster = await Cluster.connect(
    kafkaOptionsOf(loadConfig({ file: file('none.yaml', ''), environment }, 'print')),
  )
  clusters.push(cluster)
  return cluster
}

/** Exit code and message of a start that fails. */
async function refusal(connecting: Promise<Cluster>): Promise<{ readonly exit: number; readonly says: string }> {
  const error: unknown = await connecting.then(
    () => new Error('it was let in'),
    (failure: unknown) => failure,
  )
  return { exit: exitCodeOfError(error), says: (error as Error).message }
}

const certificate = (own: { readonly cert: string; readonly key: string }) => ({
  ONFILE_KAFKA_SSL_CERT_FILE: file('cert.pem', own.cert),
  ONFILE_KAFKA_SSL_KEY_FILE: file('key.pem', own.key),
})
const client = (secret: string) => ({
  ONFILE_KAFKA_SASL_MECHANISM: 'oauthbearer',
  ONFILE_KAFKA_SASL_TOKEN_URL: provider.tokenUrl,
  ONFILE_KAFKA_SASL_CLIENT_ID: 'onfile',
  ONFILE_KAFKA_SASL_CLIENT_SECRET_FILE: file('secret', secret),
})
const login = (mechanism: string, password: string) => ({
  ONFILE_KAFKA_SASL_MECHANISM: mechanism,
  ONFILE_KAFKA_SASL_USERNAME: kafka.username,
  ONFILE_KAFKA_SASL_PASSWORD_FILE: file('password', password),
})
const reachable = async (cluster: Cluster) => (await cluster.describe([])).nodes.length

describe('a listener that demands a client certificate', () => {
  it('lets the configured one in', async () => {
    expect(await reachable(await connect(kafka.mutualBrokers, certificate(first)))).toBe(1)
  })

  it.each([
    ['without one', () => ({})],
    ['with one that it does not know', () => certificate(stranger)],
  ])('refuses a start %s: exit 78, and the settings are named', async (_how, settings) => {
    const { exit, says } = await refusal(connect(kafka.mutualBrokers, settings()))
    expect(says).toMatch(/kafka\.ssl\.cert and kafka\.ssl\.key with the owner of the cluster/)
    expect(exit).toBe(EXIT.wrong)
  })

  it('is shown a certificate that was renewed in its files by the next connection, without a restart', async () => {
    const cluster = await connect(kafka.mutualBrokers, certificate(stranger)).catch(() => null)
    expect(cluster).toBeNull()
    const settings = certificate(first)
    const options = kafkaOptionsOf(
      loadConfig(
        {
          file: file('none.yaml', ''),
          environment: {
            ONFILE_KAFKA_BROKERS: kafka.mutualBrokers,
            ONFILE_KAFKA_SSL_ENABLED: 'true',
            ONFILE_KAFKA_SSL_CA_FILE: join(directory, 'ca.pem'),
            ...settings,
          },
        },
        'print',
      ),
    )
    const open = async () => {
      const opened = await Cluster.connect(options)
      clusters.push(opened)
      return reachable(opened)
    }
    expect(await open()).toBe(1)
    // The old pair is withdrawn for good: what is not known to the broker would be refused.
    certificate(stranger)
    await expect
      .poll(() => open().catch((error: unknown) => exitCodeOfError(error)), { timeout: 20_000 })
      .toBe(EXIT.wrong)
    certificate(second)
    await expect.poll(() => open().catch(() => 0), { timeout: 20_000 }).toBe(1)
  })
})

describe('a listener that takes signed tokens', () => {
  beforeEach(() => {
    Object.assign(provider, { lifeSeconds: 300, endedSeconds: 0, isUp: true })
    provider.secrets.clear()
    provider.secrets.add('first secret')
  })

  it('lets in who got one from the token endpoint', async () => {
    expect(await reachable(await connect(kafka.tokenBrokers, client('first secret')))).toBe(1)
  })

  it('refuses a token that has ended: exit 78', async () => {
    provider.endedSeconds = 600
    const { exit, says } = await refusal(connect(kafka.tokenBrokers, client('first secret')))
    expect(says).toMatch(/refused the authentication: check kafka\.sasl/)
    expect(exit).toBe(EXIT.wrong)
  })

  it('is not reached with a wrong client secret: exit 78, one line names it and who must act', async () => {
    const { exit, says } = await refusal(connect(kafka.tokenBrokers, client('wrong secret')))
    expect(says).toMatch(/it answered 401.*kafka\.sasl\.clientSecret.* with the owner of the identity provider/)
    expect(says).not.toMatch(/wrong secret|\n/)
    expect(exit).toBe(EXIT.wrong)
  })

  it('is waited for while the token endpoint is down: exit 69 for a command', async () => {
    provider.isUp = false
    const { exit, says } = await refusal(connect(kafka.tokenBrokers, client('first secret')))
    expect(says).toMatch(/it answered 503; check kafka\.sasl\.tokenUrl/)
    expect(exit).toBe(EXIT.unreachable)
  })

  it('goes on over tokens that end and a client secret that is rotated in its file', async () => {
    provider.lifeSeconds = 4
    const cluster = await connect(kafka.tokenBrokers, client('first secret'))
    provider.secrets.add('second secret')
    file('secret', 'second secret')
    const before = provider.given()
    await expect
      .poll(async () => [await reachable(cluster), provider.given() > before], { timeout: 30_000 })
      .toEqual([1, true])
    provider.secrets.delete('first secret')
    const after = provider.given()
    await expect
      .poll(async () => [await reachable(cluster), provider.given() > after + 1], { timeout: 30_000 })
      .toEqual([1, true])
  })
})

describe('a listener with passwords', () => {
  it.each(['plain', 'scram-sha-256', 'scram-sha-512'])(
    'refuses a wrong one: exit 78, one line names the setting and who must act (%s)',
    async mechanism => {
      const { exit, says } = await refusal(connect(kafka.brokers, login(mechanism, 'wrong password')))
      expect(says).toMatch(/kafka\.sasl\.mechanism, \.username and \.password with the owner of the cluster/)
      expect(says).not.toMatch(/wrong password|\n/)
      expect(exit).toBe(EXIT.wrong)
    },
  )

  it('is shown a password that was rotated in its file by the next authentication', async () => {
    const settings = login('plain', kafka.password)
    const cluster = await connect(kafka.brokers, settings)
    file('password', 'wrong password')
    // Sessions are short here: the running connection has to authenticate again.
    await expect
      .poll(() => reachable(cluster).catch((error: unknown) => (error as Error).message), { timeout: 30_000 })
      .toMatch(/refused the authentication/)
    file('password', kafka.password)
    await expect.poll(() => reachable(cluster).catch(() => 0), { timeout: 30_000 }).toBe(1)
  })
})

describe('settings of TLS that are wrong', () => {
  it.each([
    [
      'an authority that did not sign the broker',
      () => kafka.brokers,
      { ONFILE_KAFKA_SSL_CA_FILE: 'stranger.pem' },
      /kafka\.ssl\.ca must hold/,
    ],
    ['TLS to a listener without it', () => kafka.plainBrokers, {}, /kafka\.ssl\.enabled/],
  ] as const)('%s', async (_what, brokers, settings, expected) => {
    file('stranger.pem', stranger.cert)
    const files = Object.fromEntries(Object.entries(settings).map(([name, path]) => [name, join(directory, path)]))
    const { exit, says } = await refusal(connect(brokers(), { ...login('plain', kafka.password), ...files }))
    expect(says).toMatch(expected)
    expect(exit).toBe(EXIT.unreachable)
  })
})
