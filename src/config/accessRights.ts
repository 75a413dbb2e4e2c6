import type { Config } from './config.ts'
import type { Role } from './schema.ts'
import { expectedTopics } from './topicPlan.ts'
import type { TopicKey } from './topicNames.ts'

/** A right at the brokers, as Kafka's authorizers name it. READ and WRITE include DESCRIBE. */
export interface AccessRight {
  readonly resource: 'topic' | 'group' | 'transactional id'
  readonly name: string
  /** `prefixed`: every name that begins with it. */
  readonly pattern: 'literal' | 'prefixed'
  readonly operations: readonly ('READ' | 'WRITE' | 'CREATE' | 'DESCRIBE' | 'DESCRIBE_CONFIGS')[]
}

/** Topics of a role, by key. */
export interface Traffic {
  readonly reads: readonly TopicKey[]
  readonly writes: readonly TopicKey[]
}

/** What a role reads and writes. The changelog is read to restore. */
export const TRAFFIC: Readonly<Record<Role, Traffic>> = {
  ingest: { reads: ['cardLifecycle', 'knotEvents', 'retry'], writes: ['userEvents', 'dlq', 'control'] },
  decide: {
    reads: ['userEvents', 'decideChangelog'],
    writes: ['provisioningCommands', 'cardSuppressions', 'cardOutcomes', 'decideChangelog', 'dlq'],
  },
  provision: {
    reads: ['provisioningCommands', 'provisionChangelog', 'control'],
    writes: ['userEvents', 'provisionChangelog', 'dlq'],
  },
  switcher: { reads: ['knotEvents', 'cardSuppressions', 'control'], writes: ['userEvents'] },
}

/** The rights that a process with these roles needs, and no more. */
export function accessRights(config: Pick<Config, 'topics' | 'application'>, roles: readonly Role[]): AccessRight[] {
  const of = (key: TopicKey): AccessRight['operations'] => [
    ...(roles.some(role => TRAFFIC[role].reads.includes(key)) ? (['READ'] as const) : []),
    ...(roles.some(role => TRAFFIC[role].writes.includes(key)) ? (['WRITE'] as const) : []),
  ]
  const topics = expectedTopics(config)
    .map(({ key, name }) => ({ name, operations: of(key) }))
    .filter(({ operations }) => operations.length > 0)
  return [
    ...topics.map(topic => ({ resource: 'topic', pattern: 'literal', ...topic }) as const),
    ...roles.map(role => groupOf(config.application.id, role)),
    // One id per partition: `<application.id>-<role>-<topic>-<partition>`.
    ...roles.map((role): AccessRight => ({
      resource: 'transactional id',
      name: `${config.application.id}-${role}-`,
      pattern: 'prefixed',
      operations: ['WRITE'],
    })),
  ]
}

/** What `onfile topics plan` needs; `apply` creates besides. `onfile check` needs no more than its roles. */
export function planningRights(config: Pick<Config, 'topics'>, mode: 'plan' | 'apply'): AccessRight[] {
  return expectedTopics(config).map(({ name, owner }) => ({
    resource: 'topic',
    name,
    pattern: 'literal',
    operations: [
      'DESCRIBE',
      'DESCRIBE_CONFIGS',
      ...(mode === 'apply' && owner === 'onfile' ? (['CREATE'] as const) : []),
    ],
  }))
}

function groupOf(applicationId: string, role: Role): AccessRight {
  return { resource: 'group', name: `${applicationId}-${role}`, pattern: 'literal', operations: ['READ'] }
}
