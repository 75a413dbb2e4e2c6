import type { Config } from '../config/config.ts'
import { compareTopics, expectedTopics } from '../config/topicPlan.ts'
import type { FoundTopic, TopicCreation, TopicFinding } from '../config/topicPlan.ts'
import { withinDeadline } from './deadline.ts'
import { EXIT } from './exitCodes.ts'
import type { ExitCode } from './exitCodes.ts'
import type { Terminal, Verdict } from './report.ts'

/** What the topic commands need of a cluster; owned here, so that the plan can be tested without one. */
export interface TopicAdmin {
  /** Those of `names` that exist. */
  describe(names: readonly string[]): Promise<ReadonlyMap<string, FoundTopic>>
  /** Creates them all; a topic that exists by then is no error. */
  create(topics: readonly TopicCreation[]): Promise<void>
  close(): Promise<void>
}

export type ConnectTopicAdmin = (config: Config, signal: AbortSignal) => Promise<TopicAdmin>

export async function findTopics(config: Config, admin: TopicAdmin): Promise<TopicFinding[]> {
  const names = expectedTopics(config).map(({ name }) => name)
  return compareTopics(config, await admin.describe(names))
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

function linesOf(finding: TopicFinding): string[] {
  switch (finding.kind) {
    case 'right':
      return [`✓ ${finding.topic}: ${finding.partitions} partitions`]
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
  return right === 0 ? others : [{ subject: 'topics', kind: 'right', detail: `${right} as they should be` }, ...others]
}
