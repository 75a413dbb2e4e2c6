import { describe, expect, it, test } from 'vitest'
import type { Config } from '../../../src/config/config.ts'
import { onfile } from './commandLine.ts'

const DECIDE = { ONFILE_KAFKA_BROKERS: 'a:1', ONFILE_REGISTRY_URL: 'http://localhost:1', ONFILE_ROLES: 'decide' }

describe('the command line', () => {
  it.each<[string, number]>([
    ['--help', 0],
    ['--version', 0],
    ['run --help', 0],
    ['topics plan --help', 0],
    ['config print', 0],
    ['nonsense', 64],
    ['topics', 64],
    ['topics destroy', 64],
    ['run --nonsense', 64],
    ['run --set', 64],
    ['run --set novalue', 64],
    ['run extra', 64],
    ['run', 78],
    ['check', 78],
    ['topics plan', 78],
    ['schemas register', 78],
    ['config print --set knot.timeout=soon', 78],
    ['config print --config /nonexistent/onfile.yaml', 78],
  ])('%s ends with %d', async (commandLine, code) => {
    expect((await onfile(commandLine)).code).toBe(code)
  })

  test('help names the commands and the exit codes', async () => {
    const { out, err } = await onfile('--help')
    for (const word of ['run', 'check', 'topics', 'schemas', 'config', '64', '69', '78']) expect(out).toContain(word)
    expect(err).toBe('')
  })

  test('run gets the settings, flags first', async () => {
    let given: Config | null = null
    const ended = await onfile(
      'run --roles ingest --log-level debug --pretty --set ingest.userFrom=field --set topics.dlq=x=y --set topics.dlq=mine',
      DECIDE,
      {
        run: config => {
          given = config
          return Promise.resolve(0)
        },
      },
    )
    expect(ended).toEqual({ code: 0, out: '', err: '' })
    expect(given).toMatchObject({
      roles: ['ingest'],
      log: { level: 'debug', pretty: true },
      ingest: { userFrom: ['field'] },
      topics: { dlq: 'mine' },
    })
  })

  test('what run ends with is the exit code', async () => {
    for (const code of [0, 1, 78] as const) {
      expect((await onfile('run', DECIDE, { run: () => Promise.resolve(code) })).code).toBe(code)
    }
    expect(await onfile('run', DECIDE)).toMatchObject({ code: 1, err: 'no roles here' })
  })

  test('an error shows no card number', async () => {
    const run = () => Promise.reject(new Error('card 4242424242424242'))
    expect((await onfile('run', DECIDE, { run })).err).toBe('card [card number]')
  })

  test('config print shows every setting, and no secret', async () => {
    const { out } = await onfile('config print', { ONFILE_KNOT_SECRET: 'canary', ONFILE_KNOT_TIMEOUT: '3s' })
    expect(out).toContain('timeout: 3s')
    expect(out).toMatch(/secret: "?\[redacted\]"?/)
    expect(out).not.toContain('canary')
  })
})
