import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../../sandbox/bed/freePorts.ts'
import { startGuarded } from '../../sandbox/bed/guardedProcess.ts'
import { resolveJvmArtifacts } from '../../sandbox/bed/jvmArtifacts.ts'
import { serverProperties } from '../../sandbox/bed/kafkaProperties.ts'
import { awaitKafka } from '../../sandbox/bed/readiness.ts'

const run = promisify(execFile)

/** A Kafka that takes clients over TLS with SASL only: PLAIN, SCRAM and OAUTHBEARER (tokens without a signature). */
export interface SecuredKafka {
  readonly brokers: string
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
}

/** Needs Java 17: one broker as a JVM process on free loopback ports, gone with this process. */
export async function startSecuredKafka(options: SecuredKafkaOptions = {}): Promise<SecuredKafka> {
  const { kafkaClasspath } = await resolveJvmArtifacts(line => void process.stderr.write(`${line}\n`))
  const dir = mkdtempSync(join(tmpdir(), 'onfile-secured-kafka-'))
  const ca = await makeCertificate(dir)
  const [plainPort = 0, controllerPort = 0, securePort = 0] = await freePorts(3)
  const node = { id: 1, clientPort: plainPort, controllerPort }
  const properties = join(dir, 'server.properties')
  writeFileSync(
    properties,
    secured(serverProperties(node, [node], join(dir, 'data')), dir, plainPort, securePort, controllerPort, options),
  )
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(mechanism => [
    '--add-scram',
    `${mechanism}=[name=${username},password=${password}]`,
  ])
  const jvm = [java('java'), '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx512m', '-cp', kafkaClasspath]
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
  const [brokers, plainBrokers] = [`127.0.0.1:${securePort}`, `127.0.0.1:${plainPort}`]
  return { brokers, plainBrokers, ca, username, password, sessionMs, stop: () => broker.stop() }
}

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

/** The bed's own settings with one more listener; the last line of a key counts. */
function secured(
  plain: string,
  dir: string,
  plainPort: number,
  securePort: number,
  controllerPort: number,
  { users = [], authorizes = false }: SecuredKafkaOptions,
): string {
  const logins = [username, ...users].map(user => `user_${user}="${password}"`).join(' ')
  const module = 'org.apache.kafka.common.security'
  return `${plain}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL
listeners=PLAINTEXT://127.0.0.1:${plainPort},SECURE://127.0.0.1:${securePort},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${plainPort},SECURE://127.0.0.1:${securePort}
listener.name.secure.ssl.keystore.location=${join(dir, 'broker.p12')}
listener.name.secure.ssl.keystore.type=PKCS12
listener.name.secure.ssl.keystore.password=changeit
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
listener.name.secure.plain.sasl.jaas.config=${module}.plain.PlainLoginModule required ${logins};
listener.name.secure.scram-sha-256.sasl.jaas.config=${module}.scram.ScramLoginModule required;
listener.name.secure.scram-sha-512.sasl.jaas.config=${module}.scram.ScramLoginModule required;
listener.name.secure.oauthbearer.sasl.jaas.config=${module}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="${username}";
listener.name.secure.plain.connections.max.reauth.ms=${sessionMs}
${authorizes ? AUTHORIZER : ''}`
}

function java(tool: string): string {
  const home = process.env.JAVA_HOME
  return home ? join(home, 'bin', tool) : tool
}
