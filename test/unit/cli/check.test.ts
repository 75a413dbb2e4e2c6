import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { startKnot } from '../../../sandbox/knot/knotSimulator.ts'
import type { KnotSimulator } from '../../../sandbox/knot/knotSimulator.ts'
import { startVault } from '../../../sandbox/vault/vaultServer.ts'
import type { Vault } from '../../../sandbox/vault/vaultServer.ts'
import { StateLock } from '../../../src/cli/stateLock.ts'
import { MemoryTopics, onfile } from './commandLine.ts'

let knot: KnotSimulator
let vault: Vault
let registry: Server
/** Subjects that the registry says are registered. */
let registered: (subject: string) => boolean = () => true
let directory: string
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  knot = await startKnot()
  vault = await startVault()
  registry = createServer((request, response) => {
    const subject = decodeURIComponent(request.url!.split('/')[2] ?? '')
    const [status, body] = registered(subject)
      ? [200, { id: 7, subject, version: 1 }]
      : [404, { error_code: 40401, message: 'no such subject' }]
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>(resolve => registry.listen(0, '127.0.0.1', resolve))
  directory = mkdtempSync(join(tmpdir(), 'onfile-check-'))
  environment = {
    ONFILE_KAFKA_BROKERS: 'broker:9092',
    ONFILE_REGISTRY_URL: `http://127.0.0.1:${(registry.address() as AddressInfo).port}`,
    ONFILE_KNOT_URL: knot.url,
    ONFILE_KNOT_CLIENT_ID: knot.clientId,
    ONFILE_KNOT_SECRET: knot.secret,
    ONFILE_VAULT_URL: vault.url,
    ONFILE_VAULT_TOKEN: vault.token,
    ONFILE_STATE_DIR: join(directory, 'state'),
  }
})

afterAll(async () => {
  await knot.stop()
  await vault.stop()
  registry.closeAllConnections()
  await new Promise(resolve => registry.close(resolve))
  rmSync(directory, { recursive: true })
})

function checkWith(more: NodeJS.ProcessEnv = {}, admin = MemoryTopics.right()) {
  return onfile('check', { ...environment, ...more }, { connectTopicAdmin: () => Promise.resolve(admin) })
}

describe('check', () => {
  test('is 0 and has one line for each thing when everything is right', async () => {
    const { code, out, err } = await checkWith()
    expect(err).toBe('')
    expect(out.split('\n')).toEqual([
      '✓ kafka: broker:9092 answers',
      '✓ topics: 11 as they should be',
      '✓ rights: those of ingest, decide, provision are granted',
      `✓ registry: ${environment.ONFILE_REGISTRY_URL!} answers`,
      '✓ schema onfile-user-events-value: registered, id 7',
      '✓ schema provisioning-commands-value: registered, id 7',
      '✓ schema card-outcomes-value: registered, id 7',
      '✓ schema card-suppressions-value: registered, id 7',
      `✓ directory: ${vault.url} answers`,
      `✓ vault: ${vault.url} answers`,
      `✓ knot: ${knot.url} answers and accepts the credentials`,
      `✓ state directory: ${environment.ONFILE_STATE_DIR!} is writable and free`,
    ])
    expect(code).toBe(0)
  })

  test('asks only what the roles need', async () => {
    const { out } = await checkWith({ ONFILE_ROLES: 'decide', ONFILE_KNOT_URL: '', ONFILE_VAULT_URL: '' })
    expect(out).not.toMatch(/vault|knot:|directory: http/)
    expect(out).toContain('✓ registry')
  })

  test('says of a state directory on a volume that hangs whose it is', async () => {
    const state = join(directory, 'hangs')
    mkdirSync(state)
    // Whoever opens it waits for ever.
    expect(spawnSync('mkfifo', [join(state, 'lock.pid')]).status).toBe(0)
    const { code, out } = await checkWith({ ONFILE_STATE_DIR: state })
    // Lets the thread go on that waits for it.
    const reader = createReadStream(join(state, 'lock.pid'))
    await once(reader, 'data')
    reader.destroy()
    expect(out).toContain(`✗ state directory: state directory gave no answer within 2 s: the volume of ${state} hangs`)
    expect(code).toBe(69)
  })

  test('asks Kafka only for the topics of its roles', async () => {
    const admin = MemoryTopics.right()
    for (const name of ['card-lifecycle', 'onfile-provision-changelog', 'onfile-retry', 'onfile-control']) {
      admin.topics.set(name, 'hidden')
    }
    const { code, out } = await checkWith({ ONFILE_ROLES: 'decide' }, admin)
    expect(out).toContain('✓ topics: 6 as they should be')
    expect(code).toBe(0)
  })

  test('is 0 with the rights of the roles alone, and says what it could not look at', async () => {
    const admin = MemoryTopics.right()
    for (const name of admin.topics.keys()) admin.change(name, { settings: null })
    const { code, out } = await checkWith({}, admin)
    expect(out).toMatch(
      /✓ topic settings: not looked at for onfile-user-events, .*DESCRIBE_CONFIGS.*onfile topics plan/,
    )
    expect(code).toBe(0)
  })

  it.each([
    ['onfile-ingest', 'READ on group onfile-ingest'],
    ['onfile-decide-onfile-user-events-0', 'WRITE on transactional id onfile-decide-onfile-user-events-0'],
    ['onfile-control', 'WRITE on topic onfile-control'],
  ])('names a right on %s that is missing, and who must grant it', async (name, words) => {
    const admin = MemoryTopics.right()
    admin.denied.add(name)
    const { code, out } = await checkWith({ ONFILE_ROLES: 'ingest,decide' }, admin)
    expect(out).toContain(`✗ right: ${words} is missing: whoever administers the cluster must grant it`)
    expect(out).not.toContain('✓ rights')
    expect(code).toBe(78)
  })

  test('names a topic that is not compacted, or has another number of partitions', async () => {
    const admin = MemoryTopics.right()
    admin.change('onfile-decide-changelog', { settings: new Map([['cleanup.policy', 'delete']]) })
    admin.change('onfile-provision-changelog', { partitions: 3 })
    const { code, out } = await checkWith({}, admin)
    expect(out).toMatch(
      /✗ topic onfile-decide-changelog: has cleanup\.policy delete, not compact: whoever administers the cluster must set it/,
    )
    expect(out).toMatch(
      /✗ topic onfile-provision-changelog: has 3 partitions, not 12: it must be created anew.*topics\.partitions/,
    )
    expect(code).toBe(78)
  })

  it.each<[string, NodeJS.ProcessEnv, number, string]>([
    ['a wrong secret for Knot', { ONFILE_KNOT_SECRET: 'wrong-secret' }, 78, '✗ knot: '],
    ['a wrong token for the vault', { ONFILE_VAULT_TOKEN: 'wrong-token' }, 78, '✗ vault: '],
    ['a Knot that does not answer', { ONFILE_KNOT_URL: 'http://127.0.0.1:1' }, 69, '✗ knot: '],
    ['a vault that does not answer', { ONFILE_VAULT_URL: 'http://127.0.0.1:1' }, 69, '✗ vault: '],
    ['a directory that does not answer', { ONFILE_DIRECTORY_URL: 'http://127.0.0.1:1' }, 69, '✗ directory: '],
    ['a registry that does not answer', { ONFILE_REGISTRY_URL: 'http://127.0.0.1:1' }, 69, '✗ registry: '],
  ])('%s', async (_what, more, code, line) => {
    const ended = await checkWith(more)
    expect(ended.out).toContain(line)
    expect(ended.out).not.toMatch(/wrong-secret|wrong-token/)
    expect(ended.code).toBe(code)
  })

  test('brokers that do not answer are 69, and the other lines are there all the same', async () => {
    const never = () => new Promise<never>(() => undefined)
    const ended = await onfile('check', environment, { connectTopicAdmin: never, oneShotDeadlineMs: 300 })
    expect(ended.out).toContain('✗ kafka: ')
    expect(ended.out).toContain('✓ knot: ')
    expect(ended.code).toBe(69)
  })

  test('a missing topic and a missing schema are 78, with the command to run', async () => {
    const admin = MemoryTopics.right()
    admin.topics.delete('card-outcomes')
    registered = subject => subject !== 'card-outcomes-value'
    const ended = await checkWith({}, admin)
    registered = () => true
    expect(ended.out).toContain('✗ topic card-outcomes: does not exist: an operator must run onfile topics apply')
    expect(ended.out).toContain(
      '✗ schema card-outcomes-value: is not registered: an operator must run onfile schemas register',
    )
    expect(ended.code).toBe(78)
  })

  test('a state directory in use is 78, and names the process', async () => {
    const lock = await StateLock.acquire(environment.ONFILE_STATE_DIR!)
    const ended = await checkWith()
    await lock.release()
    expect(ended.out).toContain(`in use by process ${process.pid}`)
    expect(ended.code).toBe(78)
  })
})

describe('schemas check', () => {
  test('is 0 when all are registered, 78 when one is not, 69 when the registry does not answer', async () => {
    expect((await onfile('schemas check', environment)).code).toBe(0)
    registered = subject => subject !== 'card-outcomes-value'
    const ended = await onfile('schemas check', environment)
    registered = () => true
    expect(ended.out).toContain('✗ schema card-outcomes-value')
    expect(ended.code).toBe(78)
    const unreachable = await onfile('schemas check', { ...environment, ONFILE_REGISTRY_URL: 'http://127.0.0.1:1' })
    expect(unreachable).toMatchObject({ code: 69, out: '' })
    expect(unreachable.err).toContain('registry.url')
  })
})
