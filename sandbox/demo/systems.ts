import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectRecords } from '../../src/avro/records.ts'
import type { RecordCodecs } from '../../src/avro/records.ts'
import { SchemaRegistry } from '../../src/avro/registry.ts'
import { subjectOf, valueSubject } from '../../src/avro/subjects.ts'
import { RECORD_SCHEMAS } from '../../src/avro/schemaFiles.ts'
import { ROLES } from '../../src/config/schema.ts'
import { TOPIC_KEYS } from '../../src/config/topicNames.ts'
import type { TopicNames } from '../../src/config/topicNames.ts'
import { Cluster } from '../../src/kafka/cluster.ts'
import { startBed } from '../bed/bed.ts'
import type { Bed } from '../bed/bed.ts'
import { freePorts } from '../bed/freePorts.ts'
import { startKnot } from '../knot/knotSimulator.ts'
import type { KnotSimulator } from '../knot/knotSimulator.ts'
import { startVault } from '../vault/vaultServer.ts'
import type { Vault } from '../vault/vaultServer.ts'
import { startWebhookForwarder } from '../webhooks/webhookForwarder.ts'
import type { CleanUp } from './cleanUp.ts'
import { Issuer } from './issuer.ts'
import { Product, runCommand } from './product.ts'
import { demoTopics, productSettings } from './settings.ts'

/** Everything that runs: the issuer's systems, Knot, and onfile in a process of its own. */
export interface Systems {
  readonly bed: Bed
  readonly topics: TopicNames
  readonly knot: KnotSimulator
  readonly vault: Vault
  /** Where Knot sends its webhooks. */
  readonly webhookUrl: string
  readonly issuer: Issuer
  /** The demo's own eyes: committed records of all topics. */
  readonly cluster: Cluster
  readonly codecs: RecordCodecs
  readonly product: Product
  readonly settings: Readonly<Record<string, string>>
  readonly stateDir: string
}

const READY_WITHIN_MS = 30_000
const WHERE: Readonly<Record<Bed['how'], string>> = {
  given: 'yours',
  docker: 'on Docker',
  jvm: 'on Java',
}

/**
 * Brings everything up in the order in which a user would: Kafka and a registry, the issuer's topics, `onfile topics
 * apply`, `onfile run`. What it starts is handed to `cleanUp` at once. @throws BedUnavailableError, BedStartError,
 * ProductError
 */
export const raiseSystems = async (cleanUp: CleanUp, say: (line: string) => void): Promise<Systems> => {
  const knot = await startKnot({ webhookDelayMs: 250 })
  cleanUp.add(() => knot.stop())
  const vault = await startVault()
  cleanUp.add(() => vault.stop())
  say(`Knot ${knot.url}, card vault ${vault.url}: simulated, on this machine`)
  say('Starting Kafka and a schema registry, if you have not named your own (the first time they are downloaded) ...')
  const bed = await startBed({ log: say })
  cleanUp.add(() => bed.stop())
  say(`Kafka ${bed.brokers}, schema registry ${bed.registryUrl}: ${WHERE[bed.how]}`)

  const prefix = bed.how === 'given' ? `demo-${randomBytes(3).toString('hex')}-` : ''
  const topics = demoTopics(prefix)
  const issuer = await Issuer.open(bed.brokers, bed.registryUrl, [topics.cardLifecycle, topics.knotEvents])
  cleanUp.add(() => issuer.close())
  if (bed.how === 'given') cleanUp.add(() => removeTraces(bed, issuer, topics, `${prefix}onfile`))
  const forwarder = await startWebhookForwarder({
    brokers: bed.brokers,
    secret: knot.secret,
    topic: topics.knotEvents,
  })
  cleanUp.add(() => forwarder.stop())
  knot.sendWebhooksTo(forwarder.url)

  const dir = mkdtempSync(join(tmpdir(), 'onfile-demo-'))
  cleanUp.add(() => rm(dir, { recursive: true, force: true }))
  const stateDir = join(dir, 'state')
  const settings = { ...productSettings(bed, topics, prefix, knot, vault), ONFILE_STATE_DIR: stateDir }
  await runCommand({ settings, dir }, ['topics', 'apply'])
  say('onfile topics apply: its topics are there')
  const [adminPort = 0] = await freePorts(1)
  const product = Product.start({ settings, dir }, adminPort)
  cleanUp.add(() => product.release())
  await product.ready(READY_WITHIN_MS)
  say(`onfile run: ready, ${product.adminUrl}/readyz`)

  const cluster = await Cluster.connect({ brokers: bed.brokers.split(','), clientId: 'onfile-demo' })
  cleanUp.add(() => cluster.close())
  const registry = new SchemaRegistry({ url: bed.registryUrl })
  cleanUp.add(() => registry.close())
  const codecs = await connectRecords(registry, topics)
  const webhookUrl = forwarder.url
  return { bed, topics, knot, vault, webhookUrl, issuer, cluster, codecs, product, settings, stateDir }
}

/** On a cluster that was given nothing of the demo stays. */
const removeTraces = async (
  { registryUrl }: Bed,
  issuer: Issuer,
  topics: TopicNames,
  applicationId: string,
): Promise<void> => {
  await issuer.removeTopics(TOPIC_KEYS.map(key => topics[key]))
  const subjects = [valueSubject(topics.cardLifecycle), ...RECORD_SCHEMAS.map(schema => subjectOf(schema, topics))]
  for (const subject of subjects) {
    await fetch(`${registryUrl}/subjects/${encodeURIComponent(subject)}`, { method: 'DELETE' })
  }
  await issuer.removeGroups(ROLES.map(role => `${applicationId}-${role}`))
}
