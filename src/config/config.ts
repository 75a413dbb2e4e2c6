import { ConfigError } from './errors.ts'
import type { ParsedConfig } from './schema.ts'
import type { TopicNames } from './topicNames.ts'

/**
 * The configuration as the rest of onfile sees it. Durations are milliseconds (`Milliseconds`); null = not set.
 * It holds secrets: print it through `redacted` only.
 */
export interface Config extends Omit<ParsedConfig, 'topics' | 'ingest'> {
  readonly topics: TopicNames & Pick<ParsedConfig['topics'], 'partitions' | 'replicationFactor'>
  readonly ingest: ParsedConfig['ingest'] & { readonly hashKey: string }
}

/** Fills in the defaults that are made of other keys. */
export function resolveDefaults(parsed: ParsedConfig): Config {
  const id = parsed.application.id
  const { topics, ingest, directory, vault } = parsed
  return {
    ...parsed,
    topics: {
      ...topics,
      userEvents: topics.userEvents ?? `${id}-user-events`,
      decideChangelog: topics.decideChangelog ?? `${id}-decide-changelog`,
      provisionChangelog: topics.provisionChangelog ?? `${id}-provision-changelog`,
      dlq: topics.dlq ?? `${id}-dlq`,
      retry: topics.retry ?? `${id}-retry`,
      control: topics.control ?? `${id}-control`,
    },
    ingest: { ...ingest, hashKey: ingest.hashKey ?? id },
    directory: { ...directory, url: directory.url ?? vault.url, token: directory.token ?? vault.token },
  }
}

/**
 * The value of a key that may be absent where the configuration as a whole is right, but this part needs it.
 * @throws ConfigError naming the key
 */
export function required<T>(value: T | null, path: string): T {
  if (value === null) throw new ConfigError([`${path} is required`])
  return value
}
