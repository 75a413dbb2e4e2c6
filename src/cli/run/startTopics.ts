import { TRAFFIC } from '../../config/accessRights.ts'
import type { Config } from '../../config/config.ts'
import type { Role } from '../../config/schema.ts'
import { expectedTopics } from '../../config/topicPlan.ts'
import { partitionMismatchError } from '../../engine/errors.ts'
import { TopicAdmin } from '../../kafka/admin.ts'
import type { Cluster } from '../../kafka/cluster.ts'

/**
 * A changelog from which records may disappear by age: `compact,delete` too, whatever its retention, which anybody may
 * change later. Exit code 78.
 */
export class ChangelogNotCompactedError extends Error {
  override readonly name = 'ChangelogNotCompactedError'
  readonly code = 'CHANGELOG_NOT_COMPACTED'

  constructor(topic: string, policy: string) {
    super(
      `${topic} has cleanup.policy ${policy}, not compact alone: what a role must remember (opt-outs, attempts, timers) may be ` +
        'deleted by its age. Whoever administers the cluster must set cleanup.policy=compact on it; onfile changes no topic',
    )
  }
}

/**
 * Looks at the topics of the roles before one starts, for what waiting cannot mend. A topic that does not exist or cannot
 * be seen is the role's own business: it waits and says so. Gives the changelogs whose settings this principal may not
 * see.
 *
 * @throws TaskError PARTITIONS_MISMATCH, ChangelogNotCompactedError
 */
export async function checkStartTopics(cluster: Cluster, config: Config): Promise<readonly string[]> {
  const names = [...new Set(config.roles.flatMap(role => oneCountOf(config, role)))]
  const seen = await cluster.describe(names)
  const counts = new Map(
    seen.topics.filter(({ errorCode }) => errorCode === 0).map(({ topic, partitions }) => [topic, partitions.length]),
  )
  for (const role of config.roles) checkCounts(oneCountOf(config, role), counts)
  const changelogs = config.roles.flatMap(role => changelogsOf(config, role)).filter(name => counts.has(name))
  return changelogs.length === 0 ? [] : checkPolicies(cluster, changelogs)
}

/** The topics in which a task of the role works on its own number. */
function oneCountOf(config: Config, role: Role): string[] {
  const { reads, writes } = TRAFFIC[role]
  return expectedTopics(config)
    .filter(({ key, copartitioned }) => copartitioned && (reads.includes(key) || writes.includes(key)))
    .map(({ name }) => name)
}

function changelogsOf(config: Config, role: Role): string[] {
  return TRAFFIC[role].reads.filter(key => key.endsWith('Changelog')).map(key => config.topics[key])
}

function checkCounts(topics: readonly string[], counts: ReadonlyMap<string, number>): void {
  const known = topics.filter(topic => counts.has(topic))
  const [first] = known
  if (first === undefined) return
  const expected = counts.get(first)!
  for (const topic of known) {
    const actual = counts.get(topic)!
    if (actual !== expected) throw partitionMismatchError(first, expected, topic, actual)
  }
}

async function checkPolicies(cluster: Cluster, changelogs: readonly string[]): Promise<string[]> {
  const admin = await TopicAdmin.connect(cluster)
  try {
    const unseen: string[] = []
    for (const [name, topic] of await admin.describeTopics(changelogs)) {
      if (topic === null || topic === 'hidden') continue
      const policy = topic.config?.get('cleanup.policy')
      if (policy === undefined) unseen.push(name)
      else if (policy !== 'compact') throw new ChangelogNotCompactedError(name, policy)
    }
    return unseen
  } finally {
    await admin.close()
  }
}
