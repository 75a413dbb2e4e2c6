import { readFileSync } from 'node:fs'

/** A package as package-lock.json names it. */
export interface LockedPackage {
  /** Its place below the repository: `node_modules/pino`. */
  readonly path: string
  readonly name: string
  readonly version: string
  /** `pino@10.4.0`, as an SBOM refers to it. */
  readonly ref: string
  /** What its manifest declares (SPDX), null where it declares nothing. */
  readonly licence: string | null
  /** For one platform only, or a nicety: `npm ci` may leave it out. */
  readonly optional: boolean
}

interface LockEntry {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
}

/** The form of package-lock.json that is read here. */
export interface Lock {
  readonly packages: Readonly<Record<string, LockEntry>>
}

export function readLock(): Lock {
  return JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as Lock
}

/**
 * What `npm ci --omit=dev` may install, on whatever platform, by name and version. A package that a development tool needs
 * as well is among them: the lock marks as `dev` only what nothing else needs.
 */
export function productionPackages(lock: Lock): LockedPackage[] {
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && entry.dev !== true)
    .map(([path, { version = '', license = null, optional = false }]) => {
      const name = path.replace(/^.*node_modules\//, '')
      return { path, name, version, ref: `${name}@${version}`, licence: license, optional }
    })
    .sort((a, b) => (a.ref < b.ref ? -1 : 1))
}
