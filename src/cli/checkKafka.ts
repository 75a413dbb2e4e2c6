import { accessRights, TRAFFIC } from '../config/accessRights.ts'
import type { AccessRight } from '../config/accessRights.ts'
import type { Config } from '../config/config.ts'
import { TOPIC_KEYS } from '../config/topicNames.ts'
import { HIDDEN } from '../config/topicPlan.ts'
import type { TopicFinding } from '../config/topicPlan.ts'
import type { Role } from '../config/schema.ts'
import type { Verdict } from './report.ts'
import { findTopics, topicVerdicts } from './topics.ts'
import type { ConnectTopicAdmin, TopicAdmin } from './topics.ts'

/**
 * What `onfile check` says of Kafka: the topics of the configured roles and the rights of this principal, with no more
 * rights than the roles themselves need. What only an administrator may see is left out and said.
 */
export async function checkKafka(config: Config, signal: AbortSignal, connect: ConnectTopicAdmin): Promise<Verdict[]> {
  const admin = await connect(config, signal)
  try {
    const keys = TOPIC_KEYS.filter(key =>
      config.roles.some(role => TRAFFIC[role].reads.includes(key) || TRAFFIC[role].writes.includes(key)),
    )
    const [findings, missing] = [await findTopics(config, admin, keys), await missingRights(config, admin)]
    // What cannot be seen for want of a right is told once, as that right.
    const told = new Set(missing.map(({ name }) => name))
    const brokers = config.kafka.brokers.join(', ')
    return [
      { subject: 'kafka', kind: 'right', detail: `${brokers} answers` },
      ...topicVerdicts(findings.filter(finding => !isHidden(finding) || !told.has(finding.topic))),
      ...rightVerdicts(config, missing),
    ]
  } finally {
    await admin.close()
  }
}

function isHidden(finding: TopicFinding): boolean {
  return finding.kind === 'wrong' && finding.problems.includes(HIDDEN)
}

function rightVerdicts(config: Config, missing: readonly AccessRight[]): Verdict[] {
  if (missing.length === 0) {
    return [{ subject: 'rights', kind: 'right', detail: `those of ${config.roles.join(', ')} are granted` }]
  }
  const lines = new Set(
    missing.map(({ resource, name, operations }) => `${operations.join(' and ')} on ${resource} ${name}`),
  )
  return [...lines].map(line => ({
    subject: 'right',
    kind: 'wrong',
    detail: `${line} is missing: whoever administers the cluster must grant it to this principal (ACL, docs/access.md)`,
  }))
}

function missingRights(config: Config, admin: TopicAdmin): Promise<AccessRight[]> {
  return admin.missingRights(
    config.roles.flatMap(role => accessRights(config, [role]).map(right => probeOf(config, role, right))),
  )
}

/** A transactional id that the role uses, in place of what all of its ids begin with. */
function probeOf(config: Config, role: Role, right: AccessRight): AccessRight {
  const input = TRAFFIC[role].reads[0]
  if (right.pattern === 'literal' || input === undefined) return right
  return { ...right, pattern: 'literal', name: `${right.name}${config.topics[input]}-0` }
}
