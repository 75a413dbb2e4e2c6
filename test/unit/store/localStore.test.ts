import { mkdtemp, rm, writeFile, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalStore } from '../../../src/store/localStore.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onfile-store-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

const checkpoint = { changelogPosition: 42, stateVersion: 1, writtenAtMs: 1000 }

describe('LocalStore', () => {
  it('keeps changes and their checkpoint over a restart', async () => {
    const { store } = await LocalStore.open(directory)
    expect(store.checkpoint()).toBeNull()
    const changes = new Map([
      ['users/a', Buffer.from('1')],
      ['users/b', Buffer.from('2')],
    ])
    await store.write(changes, checkpoint)
    await store.write(new Map([['users/a', null]]), { ...checkpoint, changelogPosition: 43 })
    await store.close()

    const reopened = await LocalStore.open(directory)
    expect(reopened.wiped).toBeNull()
    expect(reopened.store.checkpoint()).toEqual({ ...checkpoint, changelogPosition: 43 })
    expect(reopened.store.get('users/a')).toBeUndefined()
    expect(reopened.store.get('users/b')?.toString()).toBe('2')
    await reopened.store.close()
  })

  it('knows whether it holds anything but a position', async () => {
    const { store } = await LocalStore.open(directory)
    expect(await store.hasEntries()).toBe(false)
    await store.write(new Map(), checkpoint)
    expect(await store.hasEntries()).toBe(false)
    await store.write(new Map([['users/a', Buffer.from('1')]]), checkpoint)
    expect(await store.hasEntries()).toBe(true)
    await store.close()
  })

  it('is empty with a checkpoint alone', async () => {
    const { store } = await LocalStore.open(directory)
    expect(await store.isEmpty()).toBe(true)
    await store.write(new Map(), checkpoint)
    expect(await store.isEmpty()).toBe(true)
    await store.write(new Map([['~timers/a', Buffer.from('1')]]), checkpoint)
    expect(await store.isEmpty()).toBe(false)
    await store.close()
  })

  it('lists the entries of one prefix in key order', async () => {
    const { store } = await LocalStore.open(directory)
    const keys = ['users/b', 'users/a', 'usersx/c', 'merchants/a', 'users0']
    await store.write(new Map(keys.map(key => [key, Buffer.from(key)])), checkpoint)
    const found: string[] = []
    for await (const [key, value] of store.entries('users/')) {
      expect(value.toString()).toBe(key)
      found.push(key)
    }
    expect(found).toEqual(['users/a', 'users/b'])
    await store.close()
  })

  it('wipes files that LevelDB cannot open, and says so', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(new Map([['users/a', Buffer.from('1')]]), checkpoint)
    await store.close()
    for (const name of await readdir(directory)) {
      if (/^(CURRENT|MANIFEST)/.test(name)) await writeFile(join(directory, name), 'garbage')
    }
    const reopened = await LocalStore.open(directory)
    expect(reopened.wiped).toBeInstanceOf(Error)
    expect(reopened.store.checkpoint()).toBeNull()
    await reopened.store.close()
  })

  it('refuses a directory that is open elsewhere instead of wiping it', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(new Map([['users/a', Buffer.from('1')]]), checkpoint)
    await expect(LocalStore.open(directory)).rejects.toThrow()
    expect(store.get('users/a')?.toString()).toBe('1')
    await store.close()
  })
})
