import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** A package as package-lock.json names it, by its place below the repository. */
export interface LockedPackage {
  readonly path: string
  readonly version: string
  readonly hasInstallScript: boolean
}

interface LockEntry {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
}

function lockEntries(): [path: string, entry: LockEntry][] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockEntry>
  }
  return Object.entries(lock.packages).filter(([path]) => path !== '')
}

/** What `npm ci --omit=dev` installs. */
export function productionPackages(): LockedPackage[] {
  return lockEntries()
    .filter(([, entry]) => entry.dev !== true)
    .map(([path, { version = '', hasInstallScript = false }]) => ({ path, version, hasInstallScript }))
}

/** Version of Node that package-lock.json installs. */
export function lockedNodeVersion(): string {
  return lockEntries().find(([path]) => path === 'node_modules/node')?.[1].version ?? ''
}

/** Words of a JSON instruction of the Dockerfile; the last one of its kind. */
export function dockerfileWords(instruction: 'ENTRYPOINT' | 'CMD'): string[] {
  const lines = readFileSync(join(root, 'Dockerfile'), 'utf8').split('\n')
  const last = lines.findLast(line => line.startsWith(`${instruction} [`))
  if (last === undefined) throw new Error(`the Dockerfile has no ${instruction}`)
  return JSON.parse(last.slice(instruction.length)) as string[]
}

/**
 * Lays out in `directory` what the image has in /app: the compiled sources, the schemas, and of the packages only those
 * that production needs. Packages for other platforms are not there, as in the image.
 */
export function layOutImage(directory: string): void {
  // Types are the matter of `npm run types`.
  const words = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(directory, 'dist'), '--noCheck']
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...words])
  for (const name of ['package.json', 'schemas']) cpSync(join(root, name), join(directory, name), { recursive: true })
  for (const { path } of productionPackages()) {
    const target = join(directory, path)
    mkdirSync(dirname(target), { recursive: true })
    try {
      cpSync(join(root, path), target, {
        recursive: true,
        verbatimSymlinks: true,
        // Nested packages are entries of their own.
        filter: source => !source.slice(join(root, path).length).startsWith('/node_modules'),
      })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}
