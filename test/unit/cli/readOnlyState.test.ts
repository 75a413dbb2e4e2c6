import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { NO_SETTINGS } from './commandLine.ts'

const MAIN = new URL('../../../src/cli/main.ts', import.meta.url).pathname
/** Gives a process a volume of its own that it cannot write, at `$VOLUME`. Root ignores modes, but not this. */
const IN_NAMESPACE = ['--mount', 'sh', '-c', 'mount -t tmpfs -o ro none "$VOLUME" && exec "$0" "$@"']

let volume: string
beforeEach(() => {
  volume = mkdtempSync(join(tmpdir(), 'onfile-read-only-'))
})
afterEach(() => rmSync(volume, { recursive: true, force: true }))

function onReadOnlyVolume(words: readonly string[], settings: NodeJS.ProcessEnv = {}) {
  return spawnSync('unshare', [...IN_NAMESPACE, ...words], {
    env: { PATH: process.env.PATH, VOLUME: volume, ...settings },
    encoding: 'utf8',
    timeout: 30_000,
  })
}

it.for(['', 'onfile', 'data/onfile'])(
  'a start with state.dir on a read-only volume, at /%s, is 78 and says so',
  (path, { skip }) => {
    const tried = onReadOnlyVolume(['true'])
    if (tried.status !== 0) skip(`this machine permits no mounts: ${tried.stderr}`)
    const state = join(volume, path)
    const { status, stderr } = onReadOnlyVolume([process.execPath, MAIN, 'run'], {
      ONFILE_CONFIG: NO_SETTINGS,
      ONFILE_ROLES: 'decide',
      ONFILE_KAFKA_BROKERS: '127.0.0.1:1',
      ONFILE_REGISTRY_URL: 'http://127.0.0.1:1',
      ONFILE_ADMIN_PORT: '0',
      ONFILE_STATE_DIR: state,
    })
    expect(status, stderr).toBe(78)
    expect(stderr).toContain(
      `The state directory ${state.replace(/\/$/, '')} cannot be used: EROFS: read-only file system`,
    )
    expect(stderr).toContain('make it writable')
  },
)
