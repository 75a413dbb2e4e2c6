import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, test } from 'vitest'
import { freePorts } from '../../../sandbox/bed/freePorts.ts'
import { exposuresOf, guardMemory, MemoryExposedError } from '../../../src/cli/run/memoryGuard.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { NO_SETTINGS } from './commandLine.ts'

const mainFile = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
const CORE_FILTER = '/proc/self/coredump_filter'
const hasCoreFilter = existsSync(CORE_FILTER)
const clean = { options: [], nodeOptions: '', inspectorUrl: undefined }

describe('ways to look into a process', () => {
  test.each([
    '--inspect',
    '--inspect=0.0.0.0:9229',
    '--inspect-brk',
    '--inspect-wait',
    '--cpu-prof',
    '--heap-prof',
    '--heapsnapshot-signal=SIGUSR2',
    '--heapsnapshot-near-heap-limit=2',
    '--report-on-fatalerror',
    '--report_on_signal',
    '--report-uncaught-exception',
    '--abort-on-uncaught-exception',
  ])('%s is one, on the command line and in NODE_OPTIONS', option => {
    const name = option.split('=')[0]!.replaceAll('_', '-')
    expect(exposuresOf({ ...clean, options: ['--no-warnings', option] })).toEqual([name])
    expect(exposuresOf({ ...clean, nodeOptions: `--no-warnings  ${option}` })).toEqual([name])
  })

  it('are an inspector that something opened later, and nothing that is merely called alike', () => {
    expect(exposuresOf({ ...clean, inspectorUrl: 'ws://127.0.0.1:9229/x' })).toEqual(['an inspector'])
    const harmless = ['--disable-sigusr1', '--max-old-space-size=512', '--inspect-port=1', '--report-dir=/tmp']
    expect(exposuresOf({ ...clean, options: harmless, nodeOptions: '--enable-source-maps' })).toEqual([])
  })
})

const SETTINGS = {
  ONFILE_CONFIG: NO_SETTINGS,
  ONFILE_KAFKA_BROKERS: '127.0.0.1:1',
  ONFILE_REGISTRY_URL: 'http://127.0.0.1:1',
  ONFILE_KNOT_URL: 'https://knot.example',
  ONFILE_KNOT_CLIENT_ID: 'x',
  ONFILE_KNOT_SECRET: 'x',
  ONFILE_VAULT_URL: 'https://vault.example',
  ONFILE_VAULT_TOKEN: 'x',
}

describe('a process with the role provision', () => {
  const configOf = (environment: NodeJS.ProcessEnv) =>
    loadConfig({ environment: { ...SETTINGS, ...environment } }, 'run')
  const exposed = { ...clean, options: ['--inspect'] }

  it('does not start where it can be looked into, and says which option must go', () => {
    const start = () => guardMemory(configOf({ ONFILE_ROLES: 'provision' }), exposed)
    expect(start).toThrow(MemoryExposedError)
    expect(start).toThrow('--inspect: take it from the command line')
  })

  const SANDBOX = { ONFILE_VAULT_URL: 'http://127.0.0.1:1', ONFILE_KNOT_URL: 'http://[::1]:1' }

  it.each([
    ['a vault behind a proxy beside it', { ONFILE_VAULT_URL: SANDBOX.ONFILE_VAULT_URL }],
    ['Knot behind a proxy beside it', { ONFILE_KNOT_URL: SANDBOX.ONFILE_KNOT_URL }],
    ["Knot's secure host", { ...SANDBOX, ONFILE_KNOT_SECURE_URL: 'https://secure.knot.example' }],
  ])('is no sandbox by %s alone', (_, settings) => {
    expect(() => guardMemory(configOf(settings), exposed)).toThrow(MemoryExposedError)
  })

  it('of a sandbox may be debugged, and so may roles that hold no card', () => {
    const before = process.listeners('SIGUSR1')
    const filter = hasCoreFilter ? readFileSync(CORE_FILTER, 'utf8').trim() : null
    guardMemory(configOf({ ONFILE_ROLES: 'decide' }), exposed)
    expect(process.listeners('SIGUSR1')).toEqual(before)
    guardMemory(configOf(SANDBOX), exposed)
    for (const listener of process.listeners('SIGUSR1').slice(before.length)) process.off('SIGUSR1', listener)
    if (filter !== null) writeFileSync(CORE_FILTER, `0x${filter}`)
  })
})

const started: { child: ChildProcess; directory: string }[] = []
afterEach(async () => {
  for (const { child, directory } of started.splice(0)) {
    const ended = new Promise(resolve => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
})

/** `onfile run` that waits for a Kafka that is not there, with an inspector port of its own. */
async function startWaiting(roles: string, flags: readonly string[]): Promise<{ pid: number; inspectorPort: number }> {
  const [inspectorPort = 0] = await freePorts(1)
  const directory = mkdtempSync(join(tmpdir(), 'onfile-guard-'))
  const child = spawn(
    process.execPath,
    [`--inspect-port=${inspectorPort}`, ...flags, mainFile, 'run', '--roles', roles],
    {
      env: { PATH: process.env.PATH, ...SETTINGS, ONFILE_STATE_DIR: directory, ONFILE_ADMIN_PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  started.push({ child, directory })
  await new Promise<void>((resolve, reject) => {
    let text = ''
    const hear = (chunk: Buffer): void => {
      text += chunk.toString()
      if (text.includes('waiting for Kafka')) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('exit', () => reject(new Error(`it has ended: ${text}`)))
  })
  return { pid: child.pid!, inspectorPort }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Whether an inspector listens some time after SIGUSR1. */
async function opensInspector({ pid, inspectorPort }: { pid: number; inspectorPort: number }): Promise<boolean> {
  process.kill(pid, 'SIGUSR1')
  for (let tries = 0; tries < 10; tries++) {
    await wait(100)
    if (await isOpen(inspectorPort)) return true
  }
  process.kill(pid, 0)
  return false
}

describe('SIGUSR1', () => {
  it('opens the inspector of a process that holds no card: so the test can see one', async () => {
    expect(await opensInspector(await startWaiting('decide', []))).toBe(true)
  })

  it('opens none in a process with the role provision, which goes on', async () => {
    expect(await opensInspector(await startWaiting('provision', []))).toBe(false)
  })

  it('opens none under --disable-sigusr1, the option of the start commands, whatever the role', async () => {
    expect(await opensInspector(await startWaiting('decide', ['--disable-sigusr1']))).toBe(false)
    const start = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')
    expect(start('package.json')).toContain('"onfile": "node --disable-sigusr1 src/cli/main.ts"')
    expect(start('src/cli/main.ts')).toContain('#!/usr/bin/env -S node --disable-sigusr1\n')
    expect(start('Dockerfile')).toContain('"--disable-sigusr1"')
  })
})

it.runIf(hasCoreFilter)('a core dump of the role provision holds no memory', async () => {
  const filterOf = ({ pid }: { pid: number }): number =>
    Number.parseInt(readFileSync(`/proc/${pid}/coredump_filter`, 'utf8').trim(), 16)
  expect(filterOf(await startWaiting('decide', []))).not.toBe(0)
  expect(filterOf(await startWaiting('provision', []))).toBe(0)
})
