/** Names of the topics that onfile reads and writes. */
export interface TopicNames {
  readonly cardLifecycle: string
  readonly knotEvents: string
  readonly userEvents: string
  readonly provisioningCommands: string
  readonly cardSuppressions: string
  readonly cardOutcomes: string
  readonly decideChangelog: string
  readonly provisionChangelog: string
  readonly dlq: string
  readonly retry: string
  readonly control: string
}

export type TopicKey = keyof TopicNames

/** In the order in which a record meets them. */
export const TOPIC_KEYS = [
  'cardLifecycle',
  'knotEvents',
  'userEvents',
  'provisioningCommands',
  'cardSuppressions',
  'cardOutcomes',
  'decideChangelog',
  'provisionChangelog',
  'dlq',
  'retry',
  'control',
] as const satisfies readonly TopicKey[]

/** One problem for each name that two keys share. */
export function sameNameProblems(topics: TopicNames): string[] {
  const byName = Map.groupBy(TOPIC_KEYS, key => topics[key])
  return [...byName]
    .filter(([, keys]) => keys.length > 1)
    .map(
      ([name, keys]) => `${keys.map(key => `topics.${key}`).join(' and ')} are both ${name}: each needs its own topic`,
    )
}
