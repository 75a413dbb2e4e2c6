import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startGuarded } from '../../../../sandbox/bed/guardedProcess.ts'
import type { GuardedProcess } from '../../../../sandbox/bed/guardedProcess.ts'

const modulePath = new URL('../../../../sandbox/bed/guardedProcess.ts', import.meta.url).href
const forever = [process.execPath, '-e', 'process.stdout.write("running\\n"); setInterval(() => {}, 1000)']

let dir: string
let guarded: GuardedProcess | undefined

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'onfile-guarded-'))
})
afterEach(async () => {
  await guarded?.stop()
  guarded = undefined
  rmSync(dir, { recursive: true, force: true })
})

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('stop kills the process and removes its directory', async () => {
  guarded = startGuarded({ steps: [forever], logFile: join(dir, 'log.txt'), disposableDir: dir })
  const pid = await guarded.pidOf(0)
  expect(alive(pid)).toBe(true)
  await guarded.stop()
  expect(alive(pid)).toBe(false)
  expect(existsSync(dir)).toBe(false)
})

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'a parent that dies by %s takes the process and its directory with it',
  async signal => {
    const plan = { steps: [forever], logFile: join(dir, 'log.txt'), disposableDir: dir }
    const parent = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { startGuarded } from ${JSON.stringify(modulePath)}
         const guarded = startGuarded(${JSON.stringify(plan)})
         setInterval(() => {}, 1000)
         console.log(await guarded.pidOf(0))`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
    const pid = Number(line)
    expect(alive(pid)).toBe(true)
    parent.kill(signal)
    await once(parent, 'exit')
    await expect.poll(() => alive(pid), { timeout: 5000 }).toBe(false)
    await expect.poll(() => existsSync(dir), { timeout: 5000 }).toBe(false)
  },
)

test('steps run one after the other and share the log', async () => {
  const logFile = join(dir, 'log.txt')
  guarded = startGuarded({ steps: [[process.execPath, '-e', 'console.log("first")'], forever], logFile })
  await guarded.pidOf(1)
  await expect.poll(() => readFileSync(logFile, 'utf8')).toBe('first\nrunning\n')
})

test.each([
  { how: 'code 3', step: [process.execPath, '-e', 'console.error("what broke"); process.exit(3)'], log: 'what broke' },
  { how: 'spawn no-such-command ENOENT', step: ['no-such-command'], log: '' },
])('a step that fails ends the plan: $how', async ({ how, step, log }) => {
  guarded = startGuarded({ steps: [step, forever], logFile: join(dir, 'log.txt') })
  expect(await guarded.ended).toBe(how)
  expect(guarded.logTail()).toBe(log)
})
