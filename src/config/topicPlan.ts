import type { Config } from './config.ts'
import { TOPIC_KEYS } from './topicNames.ts'
import type { TopicKey } from './topicNames.ts'

/**
 * One setting of a topic. `exactly`: any other value breaks a promise of onfile. `atLeast`: a smaller one does.
 * `creation`: set when onfile creates the topic, afterwards its owner's business.
 */
export interface TopicSetting {
  readonly name: string
  readonly value: string
  readonly rule: 'exactly' | 'atLeast' | 'creation'
}

/** A topic as onfile needs it (design, section 3). */
export interface ExpectedTopic {
  readonly key: TopicKey
  readonly name: string
  /** `issuer`: only checked, never created. */
  readonly owner: 'issuer' | 'onfile'
  /** One of the topics that must have one partition count, because a task writes to its own number in all of them. */
  readonly copartitioned: boolean
  /** The count that it is created with, where that is its own; every count is read. */
  readonly partitions?: number
  readonly settings: readonly TopicSetting[]
}

/** A topic as the brokers describe it. */
export interface FoundTopic {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  /** Null where this principal may not see them: it lacks DESCRIBE_CONFIGS. */
  readonly settings: ReadonlyMap<string, string> | null
}

/** A topic that can be created, with all that creation takes. */
export interface TopicCreation {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly settings: readonly TopicSetting[]
}

/** What the plan says of one topic. */
export type TopicFinding =
  | { readonly topic: string; readonly kind: 'right'; readonly partitions: number; readonly settingsSeen: boolean }
  | { readonly topic: string; readonly kind: 'creatable'; readonly creation: TopicCreation }
  | { readonly topic: string; readonly kind: 'wrong'; readonly problems: readonly string[] }

/** Of a topic that this principal may not see. */
export const HIDDEN =
  'cannot be seen: whoever administers the cluster must grant this principal the rights of docs/access.md (ACL)'
const DEFAULT_PARTITIONS = 12
const DAY_MS = 86_400_000
/** A dead letter holds a value of 1 MiB and the headers around it. */
const DEAD_LETTER_MAX_BYTES = 2 << 20

type Layout = Omit<ExpectedTopic, 'key' | 'name'>

const issuers: Layout = { owner: 'issuer', copartitioned: false, settings: [] }

function kept(days: number, copartitioned: boolean, more: readonly TopicSetting[] = []): Layout {
  return {
    owner: 'onfile',
    copartitioned,
    settings: [
      { name: 'cleanup.policy', value: 'delete', rule: 'exactly' },
      { name: 'retention.ms', value: String(days * DAY_MS), rule: 'creation' },
      ...more,
    ],
  }
}

/** A quiet partition may never be compacted by itself: what an order to forget has deleted must go in time. */
const ERASED_WITHIN_DAYS = 7

/** @param tombstoneDays how long a delete stays visible: whoever was away for longer may have missed it */
function compacted(tombstoneDays: number): Layout {
  return {
    owner: 'onfile',
    copartitioned: true,
    settings: [
      { name: 'cleanup.policy', value: 'compact', rule: 'exactly' },
      { name: 'delete.retention.ms', value: String(tombstoneDays * DAY_MS), rule: 'atLeast' },
      { name: 'max.compaction.lag.ms', value: String(ERASED_WITHIN_DAYS * DAY_MS), rule: 'creation' },
    ],
  }
}

const largeRecords: TopicSetting = { name: 'max.message.bytes', value: String(DEAD_LETTER_MAX_BYTES), rule: 'creation' }

const LAYOUTS: Readonly<Record<TopicKey, Layout>> = {
  cardLifecycle: issuers,
  knotEvents: issuers,
  userEvents: kept(30, true),
  provisioningCommands: kept(30, true),
  cardSuppressions: compacted(1),
  cardOutcomes: kept(400, true),
  decideChangelog: compacted(1),
  provisionChangelog: compacted(1),
  dlq: kept(90, false, [largeRecords]),
  retry: kept(30, false, [largeRecords]),
  control: { ...compacted(1), copartitioned: false, partitions: 1 },
}

/** The topics of this configuration, in the order in which a record meets them. */
export function expectedTopics(config: Pick<Config, 'topics'>): ExpectedTopic[] {
  const minimumInSync = config.topics.replicationFactor >= 3 ? 2 : 1
  const durable: TopicSetting = { name: 'min.insync.replicas', value: String(minimumInSync), rule: 'atLeast' }
  return TOPIC_KEYS.map(key => {
    const layout = LAYOUTS[key]
    const settings = layout.owner === 'issuer' ? [] : [...layout.settings, durable]
    return { ...layout, key, name: config.topics[key], settings }
  })
}

/** The topics that were asked for as a principal sees them, by name. One that does not exist is not in it. */
export type FoundTopics = ReadonlyMap<string, FoundTopic | 'hidden'>

/**
 * Compares what is expected with what the brokers have. Nothing that exists is ever to be changed by onfile: a partition
 * count cannot change without moving users, and a setting belongs to whoever set it.
 * @param keys of the topics that are looked at; all unless told
 */
export function compareTopics(
  config: Pick<Config, 'topics'>,
  found: FoundTopics,
  keys: readonly TopicKey[] = TOPIC_KEYS,
): TopicFinding[] {
  const expected = expectedTopics(config).filter(({ key }) => keys.includes(key))
  const partitions = partitionsOf(config, expected, found)
  return expected.map(topic => {
    const existing = found.get(topic.name)
    if (existing === 'hidden') return { topic: topic.name, kind: 'wrong', problems: [HIDDEN] }
    if (existing === undefined) return missing(topic, partitions, config.topics.replicationFactor)
    const problems = problemsOf(topic, existing, partitions)
    return problems.length === 0
      ? {
          topic: topic.name,
          kind: 'right',
          partitions: existing.partitions,
          settingsSeen: existing.settings !== null || topic.settings.length === 0,
        }
      : { topic: topic.name, kind: 'wrong', problems }
  })
}

/** The count that the copartitioned topics must have: as configured, else as the first of them that exists has. */
function partitionsOf(config: Pick<Config, 'topics'>, expected: readonly ExpectedTopic[], found: FoundTopics): number {
  if (config.topics.partitions !== null) return config.topics.partitions
  for (const { name, copartitioned } of expected) {
    const existing = found.get(name)
    if (copartitioned && existing !== undefined && existing !== 'hidden') return existing.partitions
  }
  return DEFAULT_PARTITIONS
}

function missing(topic: ExpectedTopic, partitions: number, replicationFactor: number): TopicFinding {
  if (topic.owner === 'issuer') {
    const problem = `does not exist: the team that writes it must create it, or topics.${topic.key} names another`
    return { topic: topic.name, kind: 'wrong', problems: [problem] }
  }
  const { name, settings } = topic
  const creation = { name, partitions: topic.partitions ?? partitions, replicationFactor, settings }
  return { topic: topic.name, kind: 'creatable', creation }
}

function problemsOf(topic: ExpectedTopic, found: FoundTopic, partitions: number): string[] {
  const problems: string[] = []
  if (topic.copartitioned && found.partitions !== partitions) {
    problems.push(
      `has ${found.partitions} partitions, not ${partitions}: it must be created anew with that count, or topics.partitions must name the count that all of them have`,
    )
  }
  for (const { name, value, rule } of topic.settings) {
    const actual = found.settings?.get(name)
    if (actual === undefined || rule === 'creation' || satisfies(actual, value, rule)) continue
    const wanted = rule === 'exactly' ? value : `at least ${value}`
    problems.push(`has ${name} ${actual}, not ${wanted}: whoever administers the cluster must set it`)
  }
  return problems
}

function satisfies(actual: string, wanted: string, rule: 'exactly' | 'atLeast'): boolean {
  return rule === 'exactly' ? actual === wanted : Number(actual) >= Number(wanted)
}
