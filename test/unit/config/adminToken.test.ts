import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { ConfigError } from '../../../src/config/errors.ts'
import { loadConfig } from '../../../src/config/load.ts'

const directory = mkdtempSync(join(tmpdir(), 'onfile-admin-token-'))
afterAll(() => rmSync(directory, { recursive: true }))
const configFile = join(directory, 'onfile.yaml')
writeFileSync(configFile, '{}')

const load = (environment: NodeJS.ProcessEnv) =>
  loadConfig({ file: configFile, environment, flags: new Map() }, 'print').admin.token

const LONG = 'f'.repeat(32)

describe('admin.token', () => {
  test('comes from the environment or from a file', () => {
    const tokenFile = join(directory, 'token')
    writeFileSync(tokenFile, `${LONG}\n`)
    expect(load({})).toBeNull()
    expect(load({ ONFILE_ADMIN_TOKEN: LONG })).toBe(LONG)
    expect(load({ ONFILE_ADMIN_TOKEN_FILE: tokenFile })).toBe(LONG)
  })

  it.each([
    ['short', 'f'.repeat(31)],
    ['two words', `${LONG} ${LONG}`],
  ])('that is %s is refused, and not shown', (_what, token) => {
    const refused = () => load({ ONFILE_ADMIN_TOKEN: token })
    expect(refused).toThrow(ConfigError)
    expect(refused).toThrow(/admin\.token .*must have 32 characters or more.*openssl rand -hex 32/)
    expect(refused).not.toThrow(token)
  })
})
