import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { freePorts } from '../../sandbox/bed/freePorts.ts'
import { startGuarded } from '../../sandbox/bed/guardedProcess.ts'
import { resolveJvmArtifacts } from '../../sandbox/bed/jvmArtifacts.ts'
import { serverProperties } from '../../sandbox/bed/kafkaProperties.ts'
import { awaitKafka } from '../../sandbox/bed/readiness.ts'

const run = promisify(execFile)

/**
 * A Kafka with a listener for each way of proving who one is: TLS with SASL (PLAIN, SCRAM, and OAUTHBEARER with tokens
 * without a signature), TLS with a client certificate, TLS with tokens that an identity provider signed.
 */
export interface SecuredKafka {
  readonly brokers: string
  /** Demands a client certificate, one of `clientCertificates`. */
  readonly mutualBrokers: string
  /** OAUTHBEARER with signed tokens; a session ends with its token. */
  readonly tokenBrokers: string
  /** Its listener without any of that, for whoever sets it up. */
  readonly plainBrokers: string
  /** PEM of the certificate that signed the broker's: itself. */
  readonly ca: string
  readonly username: string
  readonly password: string
  /** A session over PLAIN ends after so long: the client has to authenticate again before. */
  readonly sessionMs: number
  stop(): Promise<void>
}

const [username, password, sessionMs] = ['onfile', 'correct horse', 5_000]

export interface SecuredKafkaOptions {
  /** Users besides, with the same password, over PLAIN. */
  readonly users?: readonly string[]
  /** Kafka's own authorizer: users may do what they were given, the plain listener everything. Default false. */
  readonly authorizes?: boolean
  /** Certificates, PEM, that `mutualBrokers` takes. */
  readonly clientCertificates?: readonly string[]
  /** Who signs the tokens that `tokenBrokers` takes. */
  readonly identityProvider?: { readonly jwks: string; readonly issuer: string; readonly audience: string }
}

/** Needs Java 17: one broker as a JVM process on free loopback ports, gone with this process. */
export async function startSecuredKafka(options: SecuredKafkaOptions = {}): Promise<SecuredKafka> {
  const { kafkaClasspath } = await resolveJvmArtifacts(line => void process.stderr.write(`${line}\n`))
  const dir = mkdtempSync(join(tmpdir(), 'onfile-secured-kafka-'))
  const ca = await makeCertificate(dir)
  const [plainPort = 0, controllerPort = 0, securePort = 0, mutualPort = 0, tokenPort = 0] = await freePorts(5)
  const ports: Ports = { plainPort, controllerPort, securePort, mutualPort, tokenPort }
  writeFileSync(join(dir, 'clients.pem'), options.clientCertificates?.join('') ?? ca)
  writeFileSync(join(dir, 'keys.json'), options.identityProvider?.jwks ?? '{"keys":[]}')
  const node = { id: 1, clientPort: plainPort, controllerPort }
  const properties = join(dir, 'server.properties')
  writeFileSync(properties, secured(serverProperties(node, [node], join(dir, 'data')), dir, ports, options))
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(mechanism => [
    '--add-scram',
    `${mechanism}=[name=${username},password=${password}]`,
  ])
  const allowed = `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${keysUrl(dir)}`
  const jvm = [java('java'), '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx512m', allowed, '-cp', kafkaClasspath]
  const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', 'AAAAAAAAAAAAAAAAAAAAAQ', '--config', properties]
  const broker = startGuarded({
    steps: [
      [...jvm, ...format, ...scram],
      [...jvm, 'kafka.Kafka', properties],
    ],
    logFile: join(dir, 'log.txt'),
    disposableDir: dir,
  })
  const ended = broker.ended.then(how =>
    Promise.reject(new Error(`the secured Kafka ended (${how}): ${broker.logTail()}`)),
  )
  await Promise.race([awaitKafka(`127.0.0.1:${plainPort}`, 60_000, new AbortController().signal), ended])
  ended.catch(() => undefined)
  return {
    brokers: `127.0.0.1:${securePort}`,
    mutualBrokers: `127.0.0.1:${mutualPort}`,
    tokenBrokers: `127.0.0.1:${tokenPort}`,
    plainBrokers: `127.0.0.1:${plainPort}`,
    ca,
    username,
    password,
    sessionMs,
    stop: () => broker.stop(),
  }
}

interface Ports {
  readonly plainPort: number
  readonly controllerPort: number
  readonly securePort: number
  readonly mutualPort: number
  readonly tokenPort: number
}

const keysUrl = (dir: string): string => pathToFileURL(join(dir, 'keys.json')).href

async function makeCertificate(dir: string): Promise<string> {
  const store = join(dir, 'broker.p12')
  const common = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', 'changeit', '-alias', 'broker']
  const subject = ['-dname', 'CN=localhost', '-ext', 'SAN=ip:127.0.0.1,dns:localhost', '-ext', 'bc:c']
  await run(java('keytool'), [
    '-genkeypair',
    '-keyalg',
    'RSA',
    '-keysize',
    '2048',
    '-validity',
    '2',
    ...subject,
    ...common,
  ])
  await run(java('keytool'), ['-exportcert', '-rfc', '-file', join(dir, 'ca.pem'), ...common])
  return readFileSync(join(dir, 'ca.pem'), 'utf8')
}

const AUTHORIZER = `authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
`

/** The bed's own settings with more listeners; the last line of a key counts. */
function secured(
  plain: string,
  dir: string,
  { plainPort, controllerPort, securePort, mutualPort, tokenPort }: Ports,
  { users = [], authorizes = false, identityProvider }: SecuredKafkaOptions,
): string {
  const logins = [username, ...users].map(user => `user_${user}="${password}"`).join(' ')
  const module = 'org.apache.kafka.common.security'
  const clients = `PLAINTEXT://127.0.0.1:${plainPort},SECURE://127.0.0.1:${securePort},MUTUAL://127.0.0.1:${mutualPort},TOKEN://127.0.0.1:${tokenPort}`
  const keystores = ['secure', 'mutual', 'token'].map(
    name => `listener.name.${name}.ssl.keystore.location=${join(dir, 'broker.p12')}
listener.name.${name}.ssl.keystore.type=PKCS12
listener.name.${name}.ssl.keystore.password=changeit`,
  )
  return `${plain}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,MUTUAL:SSL,TOKEN:SASL_SSL
listeners=${clients},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=${clients}
${keystores.join('\n')}
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
listener.name.secure.plain.sasl.jaas.config=${module}.plain.PlainLoginModule required ${logins};
listener.name.secure.scram-sha-256.sasl.jaas.config=${module}.scram.ScramLoginModule required;
listener.name.secure.scram-sha-512.sasl.jaas.config=${module}.scram.ScramLoginModule required;
listener.name.secure.oauthbearer.sasl.jaas.config=${module}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="${username}";
listener.name.secure.plain.connections.max.reauth.ms=${sessionMs}
listener.name.mutual.ssl.client.auth=required
listener.name.mutual.ssl.truststore.type=PEM
listener.name.mutual.ssl.truststore.location=${join(dir, 'clients.pem')}
listener.name.token.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.token.oauthbearer.sasl.jaas.config=${module}.oauthbearer.OAuthBearerLoginModule required;
listener.name.token.oauthbearer.sasl.server.callback.handler.class=${module}.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.token.oauthbearer.connections.max.reauth.ms=60000
listener.name.token.sasl.oauthbearer.jwks.endpoint.url=${keysUrl(dir)}
listener.name.token.sasl.oauthbearer.expected.issuer=${identityProvider?.issuer ?? 'none'}
listener.name.token.sasl.oauthbearer.expected.audience=${identityProvider?.audience ?? 'none'}
listener.name.token.sasl.oauthbearer.clock.skew.seconds=1
${authorizes ? AUTHORIZER : ''}`
}

function java(tool: string): string {
  const home = process.env.JAVA_HOME
  return home ? join(home, 'bin', tool) : tool
}
