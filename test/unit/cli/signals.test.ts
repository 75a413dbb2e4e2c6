import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NO_SETTINGS } from './commandLine.ts'

const MAIN = new URL('../../../src/cli/main.ts', import.meta.url).pathname
/** Shorter than any request to a broker waits, longer than a machine stalls. */
const AT_ONCE_MS = 8_000

let directory: string
let children: ChildProcess[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'onfile-signals-'))
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

interface Started {
  readonly child: ChildProcess
  readonly output: () => string
}

function onfile(settings: NodeJS.ProcessEnv, before: readonly string[] = [], command = 'run'): Started {
  const [program, ...words] = [...before, process.execPath, MAIN, command]
  const child = spawn(program, words, {
    env: {
      PATH: process.env.PATH,
      ONFILE_CONFIG: NO_SETTINGS,
      ONFILE_ROLES: 'decide',
      ONFILE_REGISTRY_URL: 'http://127.0.0.1:1',
      ONFILE_KAFKA_BROKERS: '127.0.0.1:1',
      ONFILE_ADMIN_PORT: '0',
      ONFILE_STATE_DIR: join(directory, 'state'),
      ONFILE_SHUTDOWN_DEADLINE: '60s',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  return { child, output: () => output }
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not reached: ${what()}`)
    await wait(20)
  }
}

/** Its exit code, or the signal that ended it; `hangs` where it does not end. */
async function endOf(child: ChildProcess, withinMs = AT_ONCE_MS): Promise<number | string> {
  if (child.exitCode !== null) return child.exitCode
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
  return Promise.race([exited, wait(withinMs, 'hangs')])
}

/** Takes every byte and says nothing. */
async function blackHole(): Promise<{ readonly port: number; readonly asked: () => boolean; close(): void }> {
  const sockets = new Set<Socket>()
  let asked = false
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('data', () => (asked = true)).on('error', () => undefined)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    asked: () => asked,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** A state directory on a volume that hangs: whoever opens this file waits for ever. */
function hangingStateDirectory(): string {
  const state = join(directory, 'hangs')
  mkdirSync(state)
  expect(spawnSync('mkfifo', [join(state, 'lock.pid')]).status).toBe(0)
  return state
}

describe('a signal during a start', { timeout: 60_000 }, () => {
  it('ends it at once while Kafka is a black hole', async () => {
    const hole = await blackHole()
    const { child, output } = onfile({ ONFILE_KAFKA_BROKERS: `127.0.0.1:${hole.port}` })
    await until(hole.asked, output)
    child.kill('SIGTERM')
    expect(await endOf(child), output()).toBe(0)
    hole.close()
  })

  it('ends it at once while the volume of the state directory hangs, for which process.exit would wait', async () => {
    const state = hangingStateDirectory()
    const { child, output } = onfile({ ONFILE_STATE_DIR: state })
    // The lock is taken, its file cannot be written: nothing can be seen of that, so it gets some time.
    await wait(3_000)
    expect(child.exitCode, output()).toBe(null)
    child.kill('SIGTERM')
    expect(await endOf(child), output()).toBe(0)
  })

  it('ends a command that looks at such a volume', async () => {
    const { child, output } = onfile({ ONFILE_STATE_DIR: hangingStateDirectory() }, [], 'check')
    await wait(3_000)
    expect(child.exitCode, output()).toBe(null)
    child.kill('SIGINT')
    // By the kernel: no other program takes its place, which could fail to start.
    expect(await endOf(child), output()).toBe('SIGINT')
  })
})

const ISOLATED = ['unshare', '--fork', '--pid', '--kill-child']
const canIsolate = spawnSync(ISOLATED[0]!, [...ISOLATED.slice(1), 'true']).status === 0

/** The only child of a process, as this namespace counts. */
function childOf(pid: number): number | null {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  return child === undefined || child === '' ? null : Number(child)
}

// Process 1 of a namespace of its own, where that is permitted: the kernel drops what it does not listen to.
describe.runIf(canIsolate)('process 1 of a container', { timeout: 60_000 }, () => {
  it('ends by one signal that comes while its program is still being loaded', async () => {
    // Stands still where everything else is about to be loaded.
    const slow = join(directory, 'slow.mjs')
    writeFileSync(
      slow,
      `import { writeSync } from 'node:fs'
      import module, { syncBuiltinESMExports } from 'node:module'
      module.enableCompileCache = () => {
        writeSync(1, 'loading')
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500)
      }
      syncBuiltinESMExports()`,
    )
    const { child, output } = onfile({ NODE_OPTIONS: `--import=${slow}` }, ISOLATED)
    await until(() => output().includes('loading'), output)
    process.kill(childOf(child.pid!)!, 'SIGTERM')
    // By whichever listener is there when Node comes to look.
    expect(await endOf(child), output()).toBeOneOf([0, 143])
  })

  it('ends while the volume of the state directory hangs', async () => {
    const { child, output } = onfile({ ONFILE_STATE_DIR: hangingStateDirectory() }, ISOLATED)
    await wait(3_000)
    process.kill(childOf(child.pid!)!, 'SIGTERM')
    expect(await endOf(child), output()).toBe(0)
  })
})
