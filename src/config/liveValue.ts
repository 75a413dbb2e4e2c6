import type { Config } from './config.ts'
import { CONFIG_KEYS } from './keys.ts'
import { readValueFile } from './valueFile.ts'

/** A file is looked at so often at most: it may be asked for with every request. */
export const LOOK_EVERY_MS = 1_000

const schemaByPath = new Map(CONFIG_KEYS.map(({ path, schema }) => [path, schema]))

/**
 * A setting as it is now: where it came out of a file (`...File`), the file is read again, so that a secret that was
 * rotated counts without a restart. A file that is missing, cannot be read or holds no value of this setting changes
 * nothing: what was read before goes on (mounted secrets are replaced, not written in place, but people write).
 */
export function liveValue<T extends string | null>(
  config: Pick<Config, 'files'>,
  path: string,
  atStart: T,
  now: () => number = () => performance.now(),
): () => T {
  const file = config.files.get(path)
  if (file === undefined) return () => atStart
  const schema = schemaByPath.get(path)
  let current = atStart
  let lookedAtMs = now()
  return () => {
    if (now() - lookedAtMs < LOOK_EVERY_MS) return current
    lookedAtMs = now()
    try {
      const parsed = schema?.safeParse(readValueFile(file))
      if (parsed?.success === true) current = parsed.data as T
    } catch {
      // Not there for the moment.
    }
    return current
  }
}
