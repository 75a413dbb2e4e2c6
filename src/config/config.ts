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
  /** Settings whose value came out of a file, with its path: they are read again while the process runs. */
  readonly files: ReadonlyMap<string, string>
}

/** Fills in the defaults that are made of other keys. `files` as in `Config`, before those defaults. */
export function resolveDefaults(parsed: ParsedConfig, files: ReadonlyMap<string, string> = new Map()): Config {
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
    directory: resolveDirectory(directory, vault),
    files: new Map([...filesOfTheVault(parsed, files), ...files]),
  }
}

/** The directory's settings that are the vault's come out of the vault's files. */
function filesOfTheVault(parsed: ParsedConfig, files: ReadonlyMap<string, string>): [string, string][] {
  const { token, ssl } = resolveDirectory(parsed.directory, parsed.vault)
  const taken = [
    ...(parsed.directory.token === null && token !== null ? ['token'] : []),
    ...(ssl === parsed.vault.ssl ? ['ssl.ca', 'ssl.cert', 'ssl.key'] : []),
  ]
  return taken.flatMap(name => {
    const file = files.get(`vault.${name}`)
    return file === undefined ? [] : [[`directory.${name}`, file] satisfies [string, string]]
  })
}

/** What opens the vault is shown to the vault only: it is the directory's too where both are one host. */
function resolveDirectory(
  directory: ParsedConfig['directory'],
  vault: ParsedConfig['vault'],
): ParsedConfig['directory'] {
  const url = directory.url ?? vault.url
  const isVault = url !== null && vault.url !== null && new URL(url).origin === new URL(vault.url).origin
  if (!isVault) return { ...directory, url }
  const ownSsl = Object.values(directory.ssl).some(pem => pem !== null)
  return {
    ...directory,
    url,
    token: directory.token ?? vault.token,
    ssl: ownSsl ? directory.ssl : vault.ssl,
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
