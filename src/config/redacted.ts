import type { Config } from './config.ts'
import { CONFIG_KEYS } from './keys.ts'

/** What stands in place of a secret that is set. */
export const REDACTED = '[redacted]'

/** The configuration in the form in which it is written, without its secrets: fit for a terminal or a log. */
export function redacted(config: Config): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const { path, description } of CONFIG_KEYS) {
    const parts = path.split('.')
    const name = parts.pop()!
    let source = config as unknown as Record<string, unknown>
    let target = root
    for (const part of parts) {
      source = source[part] as Record<string, unknown>
      target = (target[part] ??= {}) as Record<string, unknown>
    }
    const value = source[name]
    if (value === null) target[name] = description.show?.(null) ?? null
    else if (description.secret === true) target[name] = REDACTED
    else target[name] = withoutCredentials(description.show?.(value) ?? value)
  }
  return root
}

/** A URL may carry a user and a password of its own; other values stay as they are. */
export function withoutCredentials(value: unknown): unknown {
  if (typeof value !== 'string' || !value.includes('@')) return value
  return value.replace(/\/\/[^/]*@/g, `//${REDACTED}@`)
}
