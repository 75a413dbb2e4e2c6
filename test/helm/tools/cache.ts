import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cacheDir = fileURLToPath(new URL('../../../.cache/helm/', import.meta.url))

/** A tool could not be had. The message says why, for whoever wonders what was not tested. */
export class ToolUnavailableError extends Error {
  override readonly name = 'ToolUnavailableError'
  readonly code = 'HELM_TOOL_UNAVAILABLE'
}

/**
 * Path of `name` in the cache below the repository (`.cache/helm`); made by `make` the first time. It gets its name only
 * when it is complete: a killed run leaves nothing half done, and two may run at once.
 *
 * @param make writes to the path it is given; the directory around it is for it alone
 */
export async function cached(name: string, make: (target: string) => Promise<void>): Promise<string> {
  const place = join(cacheDir, name)
  if (existsSync(place)) return place
  mkdirSync(cacheDir, { recursive: true })
  const incoming = mkdtempSync(join(cacheDir, 'incoming-'))
  try {
    const made = join(incoming, 'made')
    await make(made)
    mkdirSync(dirname(place), { recursive: true })
    if (!existsSync(place)) renameSync(made, place)
    return place
  } finally {
    rmSync(incoming, { recursive: true, force: true })
  }
}
