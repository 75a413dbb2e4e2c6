import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, it, test } from 'vitest'
import { NO_SETTINGS } from './commandLine.ts'

const MAIN = new URL('../../../src/cli/main.ts', import.meta.url).pathname

async function onfile(commandLine: string, environment: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [MAIN, ...commandLine.split(' ')], {
    env: { PATH: process.env.PATH, ONFILE_CONFIG: NO_SETTINGS, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code: child.exitCode, out, err }
}

describe('node src/cli/main.ts', () => {
  it.each<[string, NodeJS.ProcessEnv, number]>([
    ['--version', {}, 0],
    ['config print', {}, 0],
    ['nonsense', {}, 64],
    ['run', {}, 78],
    ['config print', { ONFILE_KAFKA_BROKER: 'a:1' }, 78],
    ['topics plan', { ONFILE_KAFKA_BROKERS: '127.0.0.1:1' }, 69],
    ['schemas check', { ONFILE_REGISTRY_URL: 'http://127.0.0.1:1' }, 69],
  ])('%s with %j exits with %d', async (commandLine, environment, code) => {
    const ended = await onfile(commandLine, environment)
    expect(ended).toMatchObject({ code })
    // Complaints go to standard error only, so that output can be piped.
    expect(ended.out === '').toBe(code !== 0)
    expect(ended.err === '').toBe(code === 0)
  })

  test('all problems are in one message', async () => {
    const { err } = await onfile('run', { ONFILE_KAFKA_BROKER: 'a:1', ONFILE_KNOT_TIMEOUT: 'soon' })
    expect(err).toContain('did you mean ONFILE_KAFKA_BROKERS?')
    expect(err).toContain('knot.timeout (ONFILE_KNOT_TIMEOUT) must be a duration')
    expect(err).toContain('registry.url is required')
    expect(err).not.toContain('    at ')
  })
})
