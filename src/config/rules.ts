import { CARD_ROLES } from './schema.ts'
import type { Role } from './schema.ts'
import { fileKeyOf } from './keys.ts'

/** The commands that read the configuration: each needs other keys. */
export type Purpose = 'run' | 'topics' | 'schemas' | 'records' | 'print'

/** What the rules look at: values of keys that are right by themselves; a key that is not has none. */
export interface Settings {
  /** The key was set by someone, rightly or wrongly. */
  isSet(path: string): boolean
  /** Its value, default included; undefined where it is wrong by itself. */
  value(path: string): unknown
}

/** Hosts that are this machine, as `URL.hostname` writes them. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

/** Problems that lie between keys, whatever the command. */
export function crossProblems(settings: Settings): string[] {
  return [...tlsProblems(settings), ...saslProblems(settings), ...cardProblems(settings), ...otherProblems(settings)]
}

/** Keys that `purpose` needs and that are not set. */
export function missingKeys(settings: Settings, purpose: Purpose): string[] {
  const needed: [path: string, why: string][] = []
  const [needsKafka, needsRegistry] = [purpose !== 'schemas', purpose !== 'topics']
  if (purpose !== 'print' && needsKafka) needed.push(['kafka.brokers', 'there is no Kafka without it'])
  if (purpose !== 'print' && needsRegistry) needed.push(['registry.url', 'schemas are kept there'])
  const problems: string[] = []
  if (purpose === 'run') {
    const roles = (settings.value('roles') ?? []) as readonly Role[]
    const role = CARD_ROLES.find(one => roles.includes(one))
    if (role !== undefined) {
      for (const path of ['knot.url', 'knot.clientId', 'knot.secret', 'vault.url'])
        needed.push([path, `role ${role} needs it`])
      if (!settings.isSet('vault.token') && !settings.isSet('vault.ssl.cert')) {
        problems.push(`vault.token is required: role ${role} needs it (or vault.ssl.cert for mutual TLS)`)
      }
    }
    if (roles.includes('ingest')) problems.push(...directoryProblems(settings))
  }
  return [
    ...needed.filter(([path]) => !settings.isSet(path)).map(([path, why]) => `${path} is required: ${why}`),
    ...problems,
  ]
}

function directoryProblems(settings: Settings): string[] {
  const from = (settings.value('ingest.userFrom') ?? []) as readonly string[]
  if (!from.includes('directory') || settings.isSet('directory.url') || settings.isSet('vault.url')) return []
  return ['directory.url is required: role ingest looks users up there (or take directory out of ingest.userFrom)']
}

function tlsProblems(settings: Settings): string[] {
  const problems: string[] = []
  for (const group of ['kafka.ssl', 'registry.ssl', 'directory.ssl', 'knot.ssl', 'vault.ssl']) {
    const [cert, key] = [`${group}.cert`, `${group}.key`]
    if (settings.isSet(cert) !== settings.isSet(key)) {
      const [has, lacks] = settings.isSet(cert) ? [cert, key] : [key, cert]
      problems.push(`${has} is set without ${lacks}: set both (${fileKeyOf(lacks)} takes a file)`)
    }
  }
  const given = ['kafka.ssl.ca', 'kafka.ssl.cert', 'kafka.ssl.key'].filter(path => settings.isSet(path))
  if (given.length > 0 && settings.value('kafka.ssl.enabled') === false) {
    problems.push(`${given.join(', ')} set while kafka.ssl.enabled is false: set it to true`)
  }
  return problems
}

function saslProblems(settings: Settings): string[] {
  const mechanism = settings.value('kafka.sasl.mechanism') as string | null | undefined
  const password = ['kafka.sasl.username', 'kafka.sasl.password']
  const client = ['kafka.sasl.tokenUrl', 'kafka.sasl.clientId', 'kafka.sasl.clientSecret']
  if (mechanism === undefined) return []
  if (mechanism === null) {
    const given = [...password, ...client].filter(path => settings.isSet(path))
    return given.length === 0 ? [] : [`${given.join(', ')} set without kafka.sasl.mechanism`]
  }
  const needed = mechanism === 'oauthbearer' ? client : password
  return needed
    .filter(path => !settings.isSet(path))
    .map(path => `${path} is required: kafka.sasl.mechanism ${mechanism} needs it`)
}

/** Where cards and secrets go, and the key that permits plain text there. */
const CARD_ADDRESSES = [
  ['knot.url', 'knot.allowInsecure'],
  ['knot.secureUrl', 'knot.allowInsecure'],
  ['vault.url', 'vault.allowInsecure'],
  ['directory.url', 'directory.allowInsecure'],
] as const

function cardProblems(settings: Settings): string[] {
  const problems: string[] = []
  for (const [path, permission] of CARD_ADDRESSES) {
    const value = settings.value(path)
    if (typeof value !== 'string') continue
    // Where the directory is the vault, it has been judged as that.
    if (path === 'directory.url' && value === settings.value('vault.url')) continue
    const { protocol, hostname } = new URL(value)
    if (protocol === 'https:' || isLoopback(hostname) || settings.value(permission) === true) continue
    problems.push(
      `${path} is plain http to ${hostname}: use https (${permission} permits it where that is really meant)`,
    )
  }
  if (settings.value('knot.cardData') === 'plain' && !settings.isSet('knot.secureUrl')) {
    problems.push('knot.secureUrl is required: knot.cardData plain sends cards there')
  }
  return problems
}

function otherProblems(settings: Settings): string[] {
  const problems: string[] = []
  const [username, password, token] = ['username', 'password', 'token'].map(name =>
    settings.isSet(`registry.auth.${name}`),
  )
  if (username !== password) problems.push('registry.auth.username and registry.auth.password go together: set both')
  if (token === true && username === true)
    problems.push('registry.auth.token and registry.auth.username are both set: keep one')
  const [soft, hard] = [settings.value('policy.resultSoft'), settings.value('policy.resultHard')]
  if (typeof soft === 'number' && typeof hard === 'number' && soft >= hard) {
    problems.push('policy.resultSoft must be shorter than policy.resultHard')
  }
  return problems
}
