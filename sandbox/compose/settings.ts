/** What docker-compose.yml tells the sandbox, by environment. */
export interface SandboxSettings {
  /** `SANDBOX_BROKERS`: host:port, comma separated. */
  readonly brokers: string
  /** `SANDBOX_REGISTRY_URL`: Confluent-compatible API. */
  readonly registryUrl: string
  /** `SANDBOX_USERS`: cardholders, each with one card and two merchants. Default 100. */
  readonly users: number
  /** `SANDBOX_EVENTS_PER_SECOND`: account-updater events. Default 2. */
  readonly eventsPerSecond: number
  /** `SANDBOX_TOPIC_PREFIX`: goes before `card-lifecycle` and `knot-events`. Default none. */
  readonly topicPrefix: string
  /** `SANDBOX_HOST`: address to listen on. Default all. */
  readonly host: string
  /** `SANDBOX_PORT`: health; the next ones are Knot's API, its secure host, and the vault. Default 8080. */
  readonly port: number
}

function positive(environment: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = environment[name] ?? ''
  if (text === '') return fallback
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new RangeError(`${name} must be a number above 0, not ${text}`)
}

function required(environment: NodeJS.ProcessEnv, name: string): string {
  const value = environment[name]
  if (value === undefined || value === '') throw new RangeError(`${name} is required`)
  return value
}

/** @throws RangeError naming the variable */
export function sandboxSettings(environment: NodeJS.ProcessEnv): SandboxSettings {
  return {
    brokers: required(environment, 'SANDBOX_BROKERS'),
    registryUrl: required(environment, 'SANDBOX_REGISTRY_URL'),
    users: positive(environment, 'SANDBOX_USERS', 100),
    eventsPerSecond: positive(environment, 'SANDBOX_EVENTS_PER_SECOND', 2),
    topicPrefix: environment.SANDBOX_TOPIC_PREFIX ?? '',
    host: environment.SANDBOX_HOST ?? '0.0.0.0',
    port: positive(environment, 'SANDBOX_PORT', 8080),
  }
}
