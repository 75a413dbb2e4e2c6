import type { Config } from '../config/config.ts'
import type { AccessRight } from '../config/accessRights.ts'
import { TOPIC_KEYS } from '../config/topicNames.ts'
import type { TopicKey } from '../config/topicNames.ts'
import { compareTopics, expectedTopics } from '../config/topicPlan.ts'
import type { FoundTopics, TopicCreation, TopicFinding } from '../config/topicPlan.ts'
import { withinDeadline } from './deadline.ts'
import { EXIT } from './exitCodes.ts'
import type { ExitCode } from './exitCodes.ts'
import type { Terminal, Verdict } from './report.ts'

/** What the topic commands need of a cluster; owned here, so that the plan can be tested without one. */
export interface TopicAdmin {
  /** Those of `names` that exist, or that this principal may not see. */
  describe(names: readonly string[]): Promise<FoundTopics>
  /**
   * Those of these rights that this principal does not have, as far as brokers tell; each with the operations that are
   * missing. A transactional id is given whole, never as a prefix. Nothing is tried out.
   */
  missingRights(rights: readonly AccessRight[]): Promise<AccessRight[]>
  /** Creates them all; a topic that exists by then is no error. */
  create(topics: readonly TopicCreation[]): Promise<void>
  close(): Promise<void>
}

export type ConnectTopicAdmin = (config: Config, signal: AbortSignal) => Promise<TopicAdmin>

/** @param keys of the topics that are looked at; all unless told */
export async function findTopics(
  config: Config,
  admin: TopicAdmin,
  keys: readonly TopicKey[] = TOPIC_KEYS,
): Promise<TopicFinding[]> {
  const names = keys.map(key => config.topics[key])
  return compareTopics(config, await admin.describe(names), keys)
}

/** `onfile topics plan`: the differences. Exit 0 when there is none, 78 otherwise. Changes nothing. */
export async function topicsPlan(
  config: Config,
  terminal: Terminal,
  deadlineMs: number,
  connect: ConnectTopicAdmin,
): Promise<ExitCode> {
  return withAdmin(config, deadlineMs, connect, async admin => report(await findTopics(config, admin), terminal))
}

/**
 * `onfile topics apply`: creates what is missing. It never deletes, shrinks or changes a topic. While one of onfile's own
 * topics is wrong it creates nothing: the missing ones would get a partition count that may be wrong too.
 */
export async function topicsApply(
  config: Config,
  terminal: Terminal,
  deadlineMs: number,
  connect: ConnectTopicAdmin,
): Promise<ExitCode> {
  return withAdmin(config, deadlineMs, connect, async admin => {
    const findings = await findTopics(config, admin)
    const own = new Set(expectedTopics(config).flatMap(({ owner, name }) => (owner === 'onfile' ? [name] : [])))
    const creations = findings.flatMap(finding => (finding.kind === 'creatable' ? [finding.creation] : []))
    if (creations.length > 0 && findings.some(({ kind, topic }) => kind === 'wrong' && own.has(topic))) {
      report(findings, terminal)
      terminal.err('Nothing was created: first correct what is wrong with the topics that exist.')
      return EXIT.wrong
    }
    if (creations.length > 0) await admin.create(creations)
    for (const creation of creations) terminal.out(`created ${describeCreation(creation)}`)
    return report(await findTopics(config, admin), terminal)
  })
}

async function withAdmin(
  config: Config,
  deadlineMs: number,
  connect: ConnectTopicAdmin,
  work: (admin: TopicAdmin) => Promise<ExitCode>,
): Promise<ExitCode> {
  const what = `Kafka at ${config.kafka.brokers.join(', ')}`
  return withinDeadline(what, deadlineMs, async signal => {
    const admin = await connect(config, signal)
    try {
      return await work(admin)
    } finally {
      await admin.close()
    }
  })
}

function report(findings: readonly TopicFinding[], terminal: Terminal): ExitCode {
  for (const finding of findings) {
    for (const line of linesOf(finding)) terminal.out(line)
  }
  return findings.every(({ kind }) => kind === 'right') ? EXIT.done : EXIT.wrong
}

const SETTINGS_UNSEEN = '; its settings were not looked at, this principal has no DESCRIBE_CONFIGS on it'

function linesOf(finding: TopicFinding): string[] {
  switch (finding.kind) {
    case 'right':
      return [`✓ ${finding.topic}: ${finding.partitions} partitions${finding.settingsSeen ? '' : SETTINGS_UNSEEN}`]
    case 'creatable':
      return [`+ ${describeCreation(finding.creation)}`]
    case 'wrong':
      return finding.problems.map(problem => `✗ ${finding.topic} ${problem}`)
  }
}

function describeCreation({ name, partitions, replicationFactor, settings }: TopicCreation): string {
  const details = settings.map(setting => `${setting.name}=${setting.value}`)
  return `${name}: ${partitions} partitions, ${replicationFactor} replicas, ${details.join(', ')}`
}

/** For `onfile check`: one verdict for all topics that are right, one for each that is not. */
export function topicVerdicts(findings: readonly TopicFinding[]): Verdict[] {
  const right = findings.filter(({ kind }) => kind === 'right').length
  const others = findings.flatMap((finding): Verdict[] => {
    const subject = `topic ${finding.topic}`
    if (finding.kind === 'right') return []
    if (finding.kind === 'creatable') {
      return [{ subject, kind: 'wrong', detail: 'does not exist: an operator must run onfile topics apply' }]
    }
    return finding.problems.map(detail => ({ subject, kind: 'wrong', detail }))
  })
  const unseen = findings.flatMap(finding => (finding.kind === 'right' && !finding.settingsSeen ? [finding.topic] : []))
  return [
    ...(right === 0 ? [] : [{ subject: 'topics', kind: 'right', detail: `${right} as they should be` } as const]),
    ...(unseen.length === 0
      ? []
      : [{ subject: 'topic settings', kind: 'right', detail: unseenSettings(unseen) } as const]),
    ...others,
  ]
}

function unseenSettings(topics: readonly string[]): string {
  return (
    `not looked at for ${topics.join(', ')}: this principal has no DESCRIBE_CONFIGS there and needs none; onfile topics ` +
    'plan with the rights of the bootstrap Job looks at them'
  )
}
