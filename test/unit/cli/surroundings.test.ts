import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { releaseRevision } from '../../../src/cli/program.ts'
import { surroundingsOf } from '../../../src/cli/run/surroundings.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { selfSigned } from '../../support/selfSigned.ts'

const directory = mkdtempSync(join(tmpdir(), 'onfile-surroundings-'))
afterAll(() => rmSync(directory, { recursive: true }))

function fileOf(name: string, content: string): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

/** The settings of one look-up role, with what `environment` adds. */
function configOf(environment: Record<string, string>) {
  const needed = {
    ONFILE_ROLES: 'ingest',
    ONFILE_KAFKA_BROKERS: '127.0.0.1:9092',
    ONFILE_REGISTRY_URL: 'https://127.0.0.1:1',
    ONFILE_DIRECTORY_URL: 'https://127.0.0.1:2',
    ONFILE_STATE_DIR: directory,
  }
  return loadConfig({ environment: { ...needed, ...environment } }, 'run')
}

const endOf = (pem: string): number => Date.parse(new X509Certificate(pem).validTo)

test('certificates are shown with their ends, as they are in their files', async () => {
  const [own, first, second] = [selfSigned('onfile'), selfSigned('a'), selfSigned('b')]
  const look = surroundingsOf(
    configOf({
      ONFILE_REGISTRY_SSL_CERT_FILE: fileOf('own.crt', own.cert),
      ONFILE_REGISTRY_SSL_KEY_FILE: fileOf('own.key', own.key),
      ONFILE_DIRECTORY_SSL_CA_FILE: fileOf('ca.crt', first.cert + second.cert),
    }),
  )
  expect((await look()).certificates).toEqual([
    { system: 'registry', certificate: 'own', notAfterMs: endOf(own.cert) },
    {
      system: 'directory',
      certificate: 'authority',
      notAfterMs: Math.max(endOf(first.cert), endOf(second.cert)),
    },
  ])
})

test('a text that is no certificate is not shown, and stops nothing', async () => {
  const broken = '-----BEGIN CERTIFICATE-----\nnope\n-----END CERTIFICATE-----\n'
  const look = surroundingsOf(configOf({ ONFILE_DIRECTORY_SSL_CA_FILE: fileOf('broken.crt', broken) }))
  expect((await look()).certificates).toEqual([])
})

test('the volume of the state is shown, or none where there is none', async () => {
  const { volume } = await surroundingsOf(configOf({}))()
  expect(volume!.sizeBytes).toBeGreaterThan(0)
  expect(volume!.freeBytes).toBeGreaterThanOrEqual(0)
  expect(volume!.freeBytes).toBeLessThanOrEqual(volume!.sizeBytes)
  const nowhere = surroundingsOf(configOf({ ONFILE_STATE_DIR: join(directory, 'nowhere') }))
  expect((await nowhere()).volume).toBeNull()
})

test('a volume that hangs is not shown and holds nothing up, is not asked twice, and is shown when it is back', async () => {
  const asked: ((volume: { bsize: number; blocks: number; bavail: number }) => void)[] = []
  const look = surroundingsOf(configOf({}), () => new Promise(resolve => asked.push(resolve)))
  expect((await look()).volume).toBeNull()
  expect((await look()).volume).toBeNull()
  expect(asked).toHaveLength(1)
  asked[0]!({ bsize: 1, blocks: 1, bavail: 1 })
  await new Promise(resolve => setImmediate(resolve))
  const after = look()
  expect(asked).toHaveLength(2)
  asked[1]!({ bsize: 4_096, blocks: 10, bavail: 5 })
  expect((await after).volume).toEqual({ sizeBytes: 40_960, freeBytes: 20_480 })
})

test('the commit of the build is what the image wrote beside the code', () => {
  const at = (content: string): URL => new URL(`file://${fileOf('revision', content)}`)
  expect(releaseRevision(at('ab12cd34\n'))).toBe('ab12cd34')
  expect(releaseRevision(at('\n'))).toBe('unknown')
  expect(releaseRevision(new URL(`file://${join(directory, 'none')}`))).toBe('unknown')
})
