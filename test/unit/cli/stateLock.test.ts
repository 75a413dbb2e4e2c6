import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StateDirectoryError, StateLock, StateLockedError } from '../../../src/cli/stateLock.ts'

const MODULE = new URL('../../../src/cli/stateLock.ts', import.meta.url).href
let directory: string
const children: ChildProcess[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'onfile-lock-'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** Another process that takes the lock and keeps it. */
async function holder(): Promise<ChildProcess> {
  const code = `
    const { StateLock } = await import(${JSON.stringify(MODULE)})
    await StateLock.acquire(${JSON.stringify(directory)})
    console.log('held')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout, 'data')
  return child
}

describe('the lock of a state directory', () => {
  test('is refused while another process holds it, naming that process', async () => {
    const child = await holder()
    const refused = StateLock.acquire(directory)
    await expect(refused).rejects.toThrow(StateLockedError)
    await expect(refused).rejects.toMatchObject({ code: 'STATE_LOCKED', ownerPid: child.pid })
    await expect(refused).rejects.toThrow(`in use by process ${String(child.pid)}`)
  })

  test('is free at once after its owner was killed', async () => {
    const child = await holder()
    child.kill('SIGKILL')
    await once(child, 'exit')
    const lock = await StateLock.acquire(directory)
    await lock.release()
  })

  test('is refused to a second taker in the same process, and free after the release', async () => {
    const lock = await StateLock.acquire(directory)
    await expect(StateLock.acquire(directory)).rejects.toMatchObject({ ownerPid: process.pid })
    await lock.release()
    const again = await StateLock.acquire(directory)
    await again.release()
  })

  test('takes over a directory with damaged lock files and creates one that is missing', async () => {
    const nested = join(directory, 'a', 'b')
    await (await StateLock.acquire(nested)).release()
    writeFileSync(join(nested, 'lock', 'CURRENT'), 'nonsense')
    const lock = await StateLock.acquire(nested)
    await lock.release()
  })

  test('says who must act where the directory cannot be made', async () => {
    writeFileSync(join(directory, 'file'), '')
    const refused = StateLock.acquire(join(directory, 'file', 'state'))
    await expect(refused).rejects.toThrow(StateDirectoryError)
    await expect(refused).rejects.toThrow(/cannot be used: .*ENOTDIR.*must make it writable/)
  })
})
