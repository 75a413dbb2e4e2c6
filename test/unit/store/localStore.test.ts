import { mkdtemp, open, readdir, rm, truncate, writeFile } from 'node:fs/promises'
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

  it('is wiped where a write in the middle is gone, as an operating system crash can leave it', async () => {
    const { store } = await LocalStore.open(directory)
    for (let write = 1; write <= 60; write++) {
      const value = Buffer.alloc(4_000, write)
      await store.write(new Map([[`users/${write}`, value]]), { ...checkpoint, changelogPosition: write })
    }
    await store.close()
    const [log = ''] = (await readdir(directory)).filter(name => name.endsWith('.log'))
    const file = await open(join(directory, log), 'r+')
    // One block of LevelDB's log: never written, while the blocks after it were.
    await file.write(Buffer.alloc(32 << 10), 0, 32 << 10, 96 << 10)
    await file.close()

    const reopened = await LocalStore.open(directory)
    expect(reopened.wiped?.message).toContain('writes are missing')
    expect(reopened.store.checkpoint()).toBeNull()
    expect(await reopened.store.hasEntries()).toBe(false)
    await reopened.store.close()
  })

  it('is kept where only the last writes are gone', async () => {
    const { store } = await LocalStore.open(directory)
    for (let write = 1; write <= 60; write++) {
      const value = Buffer.alloc(4_000, write)
      await store.write(new Map([[`users/${write}`, value]]), { ...checkpoint, changelogPosition: write })
    }
    await store.close()
    const [log = ''] = (await readdir(directory)).filter(name => name.endsWith('.log'))
    await truncate(join(directory, log), 100 << 10)

    const reopened = await LocalStore.open(directory)
    expect(reopened.wiped).toBeNull()
    const position = reopened.store.checkpoint()?.changelogPosition ?? 0
    expect(position).toBeGreaterThan(10)
    expect(position).toBeLessThan(60)
    for (let write = 1; write <= 60; write++) {
      expect(reopened.store.get(`users/${write}`) !== undefined).toBe(write <= position)
    }
    await reopened.store.close()
  })

  it('stays open when it is cleared, and counts its writes anew', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(new Map([['users/a', Buffer.from('1')]]), checkpoint)
    await store.clear()
    expect([store.checkpoint(), store.get('users/a')]).toEqual([null, undefined])
    await store.write(new Map([['users/b', Buffer.from('2')]]), checkpoint)
    await store.close()
    const reopened = await LocalStore.open(directory)
    expect(reopened.wiped).toBeNull()
    expect(reopened.store.get('users/b')?.toString()).toBe('2')
    await reopened.store.close()
  })
})
