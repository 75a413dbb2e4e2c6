import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testCard } from '../../../sandbox/people.ts'
import { NO_SETTINGS } from './commandLine.ts'

const MAIN = new URL('../../../src/cli/main.ts', import.meta.url).pathname
const { number } = testCard(41)
const CVV = 'cvv-90417'
const NAME = 'Quastlewick'
/** An error that says a card number, and holds a whole card. */
const ERROR = `Object.assign(new Error('the vault said ${number}', { cause: Object.assign(new TypeError('deep'), { card }) }), {
  code: 'VAULT_DEFECT', card, body: JSON.stringify(card) })`
/** What Node would show whole, because it is no Error. */
const OBJECT = '({ card })'

let directory: string
let silent: Server
let children: ChildProcess[] = []
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'onfile-uncaught-'))
  // Takes connections and says nothing: whoever asks it is there for a while. A new one each time: a connection of the
  // process before must not be taken for one of the next.
  silent = createServer(socket => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  silent.close()
  rmSync(directory, { recursive: true, force: true })
})

/** A command in whose process something breaks once it waits for the answer of a broker. */
async function broken(how: string, command: string, settings: NodeJS.ProcessEnv = {}) {
  const state = mkdtempSync(join(directory, 'state-'))
  const defect = join(state, 'defect.mjs')
  writeFileSync(
    defect,
    `const card = { number: '${number}', cvv: '${CVV}', name: '${NAME}' }
    process.once('SIGUSR2', () => { ${how} })`,
  )
  const asked = once(silent, 'connection')
  const child = spawn(process.execPath, [`--import=${defect}`, MAIN, ...command.split(' ')], {
    env: {
      PATH: process.env.PATH,
      ONFILE_CONFIG: NO_SETTINGS,
      ONFILE_ROLES: 'decide',
      ONFILE_REGISTRY_URL: 'http://127.0.0.1:1',
      ONFILE_KAFKA_BROKERS: `127.0.0.1:${(silent.address() as AddressInfo).port}`,
      ONFILE_ADMIN_PORT: '0',
      ONFILE_STATE_DIR: state,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  await Promise.race([asked, ended])
  child.kill('SIGUSR2')
  const [out, err] = await ended
  for (const secret of [number, CVV, NAME]) expect(`${out}${err}`).not.toContain(secret)
  return { code: child.exitCode, out, err }
}

const THROWN = `throw ${ERROR}`
const REJECTED = `void Promise.reject(${ERROR})`

describe('an error that nobody caught', { timeout: 60_000 }, () => {
  it.each([
    ['thrown', THROWN, {}],
    ['a rejection', REJECTED, {}],
    ['a rejection, where Node is told to warn only', REJECTED, { NODE_OPTIONS: '--unhandled-rejections=warn' }],
    ['thrown, where the log is for people', THROWN, { ONFILE_LOG_PRETTY: 'true' }],
    ['thrown, where the log is all but silent', THROWN, { ONFILE_LOG_LEVEL: 'error' }],
  ])('of `onfile run` is the last line of its log, without what the error holds: %s', async (_, how, settings) => {
    const { code, out } = await broken(how, 'run', settings)
    const line = JSON.parse(out.trimEnd().split('\n').at(-1)!) as Record<string, unknown>
    expect(line).toMatchObject({
      level: 'fatal',
      time: expect.any(String) as string,
      msg: expect.stringContaining('report it to the developers') as string,
      code: 'VAULT_DEFECT',
      err: { class: 'Error', message: 'the vault said [card number]', cause: { class: 'TypeError', message: 'deep' } },
    })
    expect(line).not.toHaveProperty('err.card')
    expect(code).toBe(1)
  })

  it('of `onfile run` that is no Error is told by its type alone', async () => {
    const { code, out } = await broken(`void Promise.reject(${OBJECT})`, 'run')
    expect(out).toContain('"class":"object"')
    expect(code).toBe(1)
  })

  it.each([
    ['thrown', THROWN],
    ['a rejection', REJECTED],
  ])('of a command is a stack on standard error, scrubbed: %s', async (_, how) => {
    const { code, out, err } = await broken(how, 'topics plan')
    expect(err).toContain('the vault said [card number]')
    expect(err).toContain('TypeError: deep')
    expect(out).toBe('')
    expect(code).toBe(1)
  })

  it.each(['topics plan', 'run'])(
    'that cannot even be told is said to be that, and ends the process: %s',
    async command => {
      const untold = `throw Object.defineProperty(${ERROR}, 'message', { get: () => { throw ${ERROR} } })`
      const { code, err } = await broken(untold, command)
      expect(err).toBe('an error that nobody caught, and that cannot be told\n')
      expect(code).toBe(1)
    },
  )
})
