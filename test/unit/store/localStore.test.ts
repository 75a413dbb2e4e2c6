import fs from 'node:fs'
import { cp, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { StoreDamagedError } from '../../../src/store/errors.ts'
import { LocalStore, type StoreWrite } from '../../../src/store/localStore.ts'
import { SEGMENT_HEADER_BYTES } from '../../../src/store/segment.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onfile-store-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

const checkpoint = { changelogPosition: 42, stateVersion: 1, writtenAtMs: 1000 }
/** So small that a few writes make a segment, and garbage is taken away. */
const SMALL = { segmentBytes: 8 << 10 }

type Change = readonly [key: string, value: string | null]
/** Read in several pieces. */
const LARGE = Array.from({ length: 20_000 }, (_, i): Change => [`key/${i}`, 'value'.repeat(40)])

function filling(changes: readonly Change[]): (write: StoreWrite) => void {
  return write => {
    for (const [key, value] of changes) {
      if (value === null) write.delete(key)
      else write.put(key, Buffer.from(value), 0, Buffer.byteLength(value))
    }
  }
}

async function contentOf(store: LocalStore, prefix: string): Promise<Map<string, string>> {
  const content = new Map<string, string>()
  for await (const [key, value] of store.entries(prefix)) content.set(key, value.toString())
  return content
}

async function lastSegment(of: string): Promise<string> {
  const names = (await readdir(of)).filter(name => name.endsWith('.log')).sort()
  return join(of, names.at(-1)!)
}

describe('LocalStore', () => {
  it('keeps changes and their checkpoint over a restart', async () => {
    const { store } = await LocalStore.open(directory)
    expect(store.checkpoint()).toBeNull()
    await store.write(
      filling([
        ['users/a', '1'],
        ['users/b', '2'],
        ['users/ü€\u{1f600}', '3'],
        ['users/empty', ''],
      ]),
      checkpoint,
    )
    await store.write(filling([['users/a', null]]), { ...checkpoint, changelogPosition: 43 })
    await store.close()

    const reopened = await LocalStore.open(directory)
    expect(reopened.wiped).toBeNull()
    expect(reopened.store.checkpoint()).toEqual({ ...checkpoint, changelogPosition: 43 })
    expect(reopened.store.get('users/a')).toBeUndefined()
    expect(reopened.store.get('users/b')?.toString()).toBe('2')
    expect(reopened.store.get('users/ü€\u{1f600}')?.toString()).toBe('3')
    expect(reopened.store.get('users/empty')?.length).toBe(0)
    await reopened.store.close()
  })

  it('knows whether it holds anything but a position', async () => {
    const { store } = await LocalStore.open(directory)
    expect(store.hasEntries).toBe(false)
    await store.write(() => undefined, checkpoint)
    expect(store.hasEntries).toBe(false)
    await store.write(filling([['users/a', '1']]), checkpoint)
    expect(store.hasEntries).toBe(true)
    await store.close()
  })

  it('lists the entries of one prefix', async () => {
    const { store } = await LocalStore.open(directory)
    const keys = ['users/b', 'users/a', 'usersx/c', 'merchants/a', 'users0']
    await store.write(filling(keys.map(key => [key, key])), checkpoint)
    expect([...(await contentOf(store, 'users/'))].sort()).toEqual([
      ['users/a', 'users/a'],
      ['users/b', 'users/b'],
    ])
    await store.close()
  })

  it('holds values larger than what is read at once', async () => {
    const large = 'x'.repeat(3 << 20)
    const { store } = await LocalStore.open(directory, SMALL)
    await store.write(filling([['users/large', large]]), checkpoint)
    expect(store.get('users/large')?.toString()).toBe(large)
    await store.close()
    const reopened = await LocalStore.open(directory, SMALL)
    expect(reopened.store.get('users/large')?.toString()).toBe(large)
    await reopened.store.close()
  })

  it('refuses a directory that is open in this process instead of wiping it', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(filling([['users/a', '1']]), checkpoint)
    await expect(LocalStore.open(directory)).rejects.toMatchObject({ code: 'STORE_IN_USE' })
    expect(store.get('users/a')?.toString()).toBe('1')
    await store.close()
    await (await LocalStore.open(directory)).store.close()
  })

  it('opens one after the other, in the order in which they are asked for, whatever becomes of one', async () => {
    const [large, damaged, small] = ['large', 'damaged', 'small'].map(name => join(directory, name)) as [
      string,
      string,
      string,
    ]
    const { store } = await LocalStore.open(large)
    await store.write(filling(Array.from({ length: 20_000 }, (_, i) => [`key/${i}`, 'value'])), checkpoint)
    await store.close()
    await rm(join(large, 'index.snapshot'), { force: true })
    await writeFile(damaged, 'a file where a directory should be')
    const ready: string[] = []
    const open = async (path: string) => {
      const opened = await LocalStore.open(path).catch(() => null)
      ready.push(basename(path))
      await opened?.store.close()
    }
    await Promise.all([open(large), open(damaged), open(small)])
    expect(ready).toEqual(['large', 'damaged', 'small'])
  })

  it('lets one that turns out to be more urgent overtake one that is being opened', async () => {
    const urgencies = { large: 0, small: 0, late: 0 }
    const { store } = await LocalStore.open(join(directory, 'large'))
    await store.write(filling(LARGE), checkpoint)
    await store.close()
    await rm(join(directory, 'large', 'index.snapshot'), { force: true })
    const ready: string[] = []
    const open = async (name: keyof typeof urgencies, looked: () => void = () => undefined) => {
      const urgency = () => {
        looked()
        return urgencies[name]
      }
      const opened = await LocalStore.open(join(directory, name), { urgency })
      ready.push(name)
      await opened.store.close()
    }
    let looks = 0
    const large = open('large', () => {
      if (++looks === 3) urgencies.late = 2
    })
    await Promise.all([large, open('small'), open('late')])
    expect(ready).toEqual(['late', 'large', 'small'])
  })

  it('waits with the next one until what the one before was opened for is over', async () => {
    const work = Promise.withResolvers<boolean>()
    const first = await LocalStore.open(join(directory, 'first'), { keepTurn: work.promise, keepTurnMs: 60_000 })
    const opened: string[] = []
    const second = LocalStore.open(join(directory, 'second')).finally(() => opened.push('second'))
    await wait(50)
    opened.push('work is over')
    work.resolve(false)
    await (await second).store.close()
    await first.store.close()
    expect(opened).toEqual(['work is over', 'second'])
  })

  it('waits with the next ones for half a second at most, all together, and not for one that could not be opened', async () => {
    const never = new Promise<boolean>(() => undefined)
    await writeFile(join(directory, 'damaged'), 'a file where a directory should be')
    await expect(LocalStore.open(join(directory, 'damaged'), { keepTurn: never })).rejects.toThrow()
    const startedMs = performance.now()
    for (let count = 0; count < 11; count++) {
      await (await LocalStore.open(join(directory, `store-${count}`), { keepTurn: never })).store.close()
    }
    expect(performance.now() - startedMs).toBeLessThan(4_000)
  })

  it('waits with no other one once what the first was opened for is done', async () => {
    // Once in the life of a process.
    vi.resetModules()
    const fresh = (await import('../../../src/store/localStore.ts')).LocalStore
    const never = new Promise<boolean>(() => undefined)
    const first = await fresh.open(join(directory, 'first'), { keepTurn: Promise.resolve(true) })
    await vi.waitUntil(() => !fresh.isAnyOpening)
    const second = await fresh.open(join(directory, 'second'), { keepTurn: never })
    expect(fresh.isAnyOpening).toBe(false)
    await first.store.close()
    await second.store.close()
  })

  it('has everything at the next start where its volume did not answer while it was read', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(filling(LARGE), checkpoint)
    await store.close()
    await rm(join(directory, 'index.snapshot'), { force: true })
    const probe = await open(await lastSegment(directory), 'r')
    const handles = Object.getPrototypeOf(probe) as typeof probe
    await probe.close()
    const read = Reflect.get(handles, 'read') as (...args: unknown[]) => ReturnType<typeof probe.read>
    let reads = 0
    const failing = vi.spyOn(handles, 'read').mockImplementation(function (this: typeof probe, ...args: unknown[]) {
      if (++reads === 4) return Promise.reject(Object.assign(new Error('ETIMEDOUT: read'), { code: 'ETIMEDOUT' }))
      return Reflect.apply(read, this, args)
    })
    try {
      await expect(LocalStore.open(directory)).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    } finally {
      failing.mockRestore()
    }
    const reopened = await LocalStore.open(directory)
    expect([reopened.wiped, (await contentOf(reopened.store, 'key/')).size]).toEqual([null, LARGE.length])
    await reopened.store.close()
  })

  it('has everything at the next start where opening it was broken off half way', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(filling(LARGE), checkpoint)
    await store.close()
    await rm(join(directory, 'index.snapshot'), { force: true })
    const given = new AbortController()
    let looks = 0
    const urgency = () => {
      if (++looks === 7) given.abort(new Error('the partition went elsewhere'))
      return 0
    }
    await expect(LocalStore.open(directory, { signal: given.signal, urgency })).rejects.toThrow('elsewhere')
    const reopened = await LocalStore.open(directory)
    expect([reopened.wiped, (await contentOf(reopened.store, 'key/')).size]).toEqual([null, LARGE.length])
    await reopened.store.close()
  })

  it('does not read what nobody wants any more when its turn comes, and gives the directory back', async () => {
    const { store } = await LocalStore.open(join(directory, 'first'))
    await store.write(filling(Array.from({ length: 20_000 }, (_, i) => [`key/${i}`, 'value'])), checkpoint)
    await store.close()
    const given = new AbortController()
    const first = LocalStore.open(join(directory, 'first'))
    const unwanted = LocalStore.open(join(directory, 'second'), { signal: given.signal })
    given.abort(new Error('the partition went elsewhere'))
    await expect(unwanted).rejects.toThrow('the partition went elsewhere')
    await (await first).store.close()
    expect(await readdir(directory)).toEqual(['first'])
    await (await LocalStore.open(join(directory, 'second'))).store.close()
  })

  it('does not wait for its turn where nobody wants it any more', async () => {
    const work = Promise.withResolvers<boolean>()
    const first = await LocalStore.open(join(directory, 'first'), { keepTurn: work.promise, keepTurnMs: 60_000 })
    const given = new AbortController()
    const unwanted = LocalStore.open(join(directory, 'second'), { signal: given.signal })
    const third = LocalStore.open(join(directory, 'third'))
    given.abort(new Error('the partition went elsewhere'))
    await expect(unwanted).rejects.toThrow('the partition went elsewhere')
    await expect(LocalStore.open(join(directory, 'second'), { signal: given.signal })).rejects.toThrow('elsewhere')
    work.resolve(false)
    await (await third).store.close()
    await first.store.close()
  })

  it('stays open when it is cleared', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(filling([['users/a', '1']]), checkpoint)
    await store.clear()
    expect([store.checkpoint(), store.get('users/a'), store.hasEntries]).toEqual([null, undefined, false])
    await store.write(filling([['users/b', '2']]), checkpoint)
    await store.close()
    const reopened = await LocalStore.open(directory)
    expect(reopened.wiped).toBeNull()
    expect(reopened.store.get('users/b')?.toString()).toBe('2')
    await reopened.store.close()
  })

  it('does what it is told, at any size of its segments and over restarts', async () => {
    const key = fc.nat(40).map(n => `users/${n}`)
    const change = fc.tuple(key, fc.option(fc.string({ maxLength: 400 }), { freq: 4 }))
    const step = fc.record({
      changes: fc.uniqueArray(change, { selector: ([name]) => name, maxLength: 20 }),
      ahead: fc.boolean(),
      reopen: fc.nat(9).map(n => n === 0),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 120 }),
        fc.constantFrom(512, 4 << 10, 64 << 10),
        async (steps, size) => {
          const where = await mkdtemp(join(directory, 'run-'))
          const options = { segmentBytes: size }
          let { store } = await LocalStore.open(where, options)
          const model = new Map<string, string>()
          let position = 0
          for (const { changes, ahead, reopen } of steps) {
            for (const [name, value] of changes) {
              if (value === null) model.delete(name)
              else model.set(name, value)
            }
            if (ahead) await store.writeAhead(filling(changes))
            else await store.write(filling(changes), { ...checkpoint, changelogPosition: ++position })
            if (reopen) {
              await store.close()
              const opened = await LocalStore.open(where, options)
              expect(opened.wiped).toBeNull()
              store = opened.store
            }
            for (const [name] of changes) expect(store.get(name)?.toString()).toBe(model.get(name))
          }
          expect(await contentOf(store, 'users/')).toEqual(model)
          expect(store.checkpoint()?.changelogPosition ?? 0).toBe(position)
          await store.close()
        },
      ),
      { numRuns: 40 },
    )
  }, 60_000)

  it('takes garbage away: the disk holds little more than twice what is live', async () => {
    const { store } = await LocalStore.open(directory, SMALL)
    await store.write(filling(Array.from({ length: 40 }, (_, i) => [`cold/${i}`, 'c'.repeat(200)])), checkpoint)
    let largest = 0
    for (let round = 1; round <= 400; round++) {
      const changes = Array.from({ length: 20 }, (_, i): Change => [`users/${i}`, `${round} `.repeat(50)])
      await store.write(filling(changes), { ...checkpoint, changelogPosition: round })
      largest = Math.max(largest, store.sizeBytes)
    }
    // Live: 40 * 220 + 20 * 230 bytes. Written: 1.8 MB. Kept: live, as much garbage, and the segments of one turn.
    expect(largest).toBeLessThan(100 << 10)
    expect((await contentOf(store, 'cold/')).size).toBe(40)
    expect(store.get('users/19')?.toString()).toBe('400 '.repeat(50))
    await store.close()
  })

  it('forgets a deleted key for good, its delete too', async () => {
    const { store } = await LocalStore.open(directory, SMALL)
    await store.write(filling([['users/gone', 'g'.repeat(100)]]), checkpoint)
    await store.write(filling([['users/gone', null]]), checkpoint)
    for (let round = 0; round < 400; round++)
      await store.write(filling([['users/a', `${round}`.repeat(200)]]), checkpoint)
    await store.close()
    const names = await readdir(directory)
    const files = await Promise.all(names.map(name => readFile(join(directory, name))))
    expect(files.some(bytes => bytes.includes('users/gone'))).toBe(false)
    const reopened = await LocalStore.open(directory, SMALL)
    expect(reopened.store.get('users/gone')).toBeUndefined()
    await reopened.store.close()
  })

  it('ignores a segment that was begun in the moment of a crash', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(filling([['users/a', '1']]), checkpoint)
    await store.close()
    await writeFile(join(directory, '00000002.log'), '')
    for (let restart = 0; restart < 2; restart++) {
      const reopened = await LocalStore.open(directory, { segmentBytes: 100 })
      expect(reopened.wiped).toBeNull()
      expect(reopened.store.get('users/a')?.toString()).toBe('1')
      await reopened.store.write(filling([['users/b', '2'.repeat(100)]]), checkpoint)
      await reopened.store.close()
    }
  })

  it('is wiped where a segment is missing between others', async () => {
    const { store } = await LocalStore.open(directory, SMALL)
    for (let i = 0; i < 20; i++) await store.write(filling([[`users/${i}`, 'u'.repeat(2_000)]]), checkpoint)
    await store.close()
    await rm(join(directory, '00000002.log'))
    const reopened = await LocalStore.open(directory, SMALL)
    expect(reopened.wiped?.message).toContain('missing')
    expect([reopened.store.checkpoint(), reopened.store.hasEntries]).toEqual([null, false])
    await reopened.store.close()
  })

  it.each([
    ['the oldest segment is', 1, true],
    ['the oldest segment is, with its snapshot,', 1, false],
    ['a wipe was cut short and many are', 3, false],
  ])('is wiped where %s gone: what only that had must not be missing in silence', async (_what, gone, keepSnapshot) => {
    const { store } = await LocalStore.open(directory, SMALL)
    for (let i = 0; i < 20; i++) await store.write(filling([[`users/${i}`, 'u'.repeat(2_000)]]), checkpoint)
    await store.close()
    for (let number = 1; number <= gone; number++) await rm(join(directory, `0000000${number}.log`))
    if (!keepSnapshot) await rm(join(directory, 'index.snapshot'), { force: true })
    const reopened = await LocalStore.open(directory, SMALL)
    expect(reopened.wiped?.message).toContain('segment 1 is missing')
    expect([reopened.store.checkpoint(), reopened.store.hasEntries]).toEqual([null, false])
    await reopened.store.close()
  })

  it('leaves a segment alone that was to be deleted and is still there, also beside a newer snapshot', async () => {
    const { store } = await LocalStore.open(directory, SMALL)
    const kept = new Map<string, Buffer>()
    const model = new Map<string, string>()
    for (let round = 0; round < 120; round++) {
      const changes = Array.from({ length: 10 }, (_, i): [string, string] => [
        `users/${(round + i) % 40}`,
        `${round} `.repeat(100),
      ])
      for (const [key, value] of changes) model.set(key, value)
      await store.write(filling(changes), { ...checkpoint, changelogPosition: round + 1 })
      for (const name of await readdir(directory)) {
        if (name.endsWith('.log')) kept.set(name, await readFile(join(directory, name)))
      }
    }
    await store.close()
    const present = new Set(await readdir(directory))
    const deleted = [...kept.keys()].filter(name => !present.has(name)).sort()
    for (const name of deleted.slice(-2)) await writeFile(join(directory, name), kept.get(name)!)
    const reopened = await LocalStore.open(directory, SMALL)
    expect([reopened.wiped, await contentOf(reopened.store, 'users/')]).toEqual([null, model])
    expect((await readdir(directory)).includes(deleted.at(-1)!)).toBe(false)
    await reopened.store.close()
  })

  it('takes a sector that cannot be read for damage', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(filling([['users/a', '1']]), checkpoint)
    const read = vi.spyOn(fs, 'readSync').mockImplementation(() => {
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    })
    syncBuiltinESMExports()
    try {
      expect(() => store.get('users/a')).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }))
    } finally {
      read.mockRestore()
      syncBuiltinESMExports()
    }
    await store.close()
  })

  it('believes no disk that has failed to take something and says yes the next time', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(filling([['users/a', '1']]), checkpoint)
    const probe = await open(await lastSegment(directory), 'r')
    const handles = Object.getPrototypeOf(probe) as typeof probe
    await probe.close()
    const sync = vi.spyOn(handles, 'datasync').mockRejectedValueOnce(new Error('EIO: i/o error, fdatasync'))
    try {
      const write = () => store.write(filling([['users/b', '2']]), checkpoint, { sync: true })
      await expect(write()).rejects.toMatchObject({ code: 'STORE_DAMAGED' })
      await expect(write()).rejects.toMatchObject({ code: 'STORE_DAMAGED' })
      expect(sync).toHaveBeenCalledTimes(1)
    } finally {
      sync.mockRestore()
    }
    await store.close()
    const reopened = await LocalStore.open(directory)
    expect([reopened.store.checkpoint(), reopened.store.hasEntries]).toEqual([null, false])
    await reopened.store.close()
  })

  it('leaves no part of a snapshot behind that the volume did not take', async () => {
    const { store } = await LocalStore.open(directory)
    for (let n = 0; n < 300; n++) await store.write(filling([[`users/${n}`, 'x'.repeat(5_000)]]), checkpoint)
    const probe = await open(await lastSegment(directory), 'r')
    const handles = Object.getPrototypeOf(probe) as typeof probe
    await probe.close()
    const cut = vi.spyOn(handles, 'writev').mockResolvedValueOnce({ bytesWritten: 10, buffers: [] })
    try {
      await expect(store.close()).rejects.toMatchObject({ code: 'STORE_SNAPSHOT_CUT' })
    } finally {
      cut.mockRestore()
    }
    expect((await readdir(directory)).filter(name => !name.endsWith('.log'))).toEqual([])
  })

  it('is wiped where its format is not known', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(filling([['users/a', '1']]), checkpoint)
    await store.close()
    const file = await open(await lastSegment(directory), 'r+')
    await file.write(Buffer.from([3]), 0, 1, 6)
    await file.close()
    const reopened = await LocalStore.open(directory)
    expect(reopened.wiped?.message).toContain('format 3')
    await reopened.store.close()
  })

  it('says so, and has nothing, when a page is damaged while it is open', async () => {
    const { store } = await LocalStore.open(directory)
    await store.write(filling([['users/a', 'a'.repeat(5_000)]]), checkpoint)
    await store.write(filling([['users/b', 'b'.repeat(5_000)]]), checkpoint)
    const file = await open(await lastSegment(directory), 'r+')
    await file.write(Buffer.from('x'), 0, 1, 1_000)
    await file.close()
    expect(() => store.get('users/a')).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }))
    expect(store.get('users/b')?.length).toBe(5_000)
    await store.close()
  })
})

describe('the snapshot of the index', () => {
  const SNAPSHOT = 'index.snapshot'

  async function filled(rounds: number): Promise<void> {
    const { store } = await LocalStore.open(directory, SMALL)
    for (let round = 0; round < rounds; round++) {
      const changes = Array.from({ length: 10 }, (_, i): Change => [
        `users/${(round + i) % 40}`,
        `${round}`.repeat(300),
      ])
      await store.write(filling(changes), { ...checkpoint, changelogPosition: round + 1 })
    }
    await store.close()
  }

  async function damageFirstSegment(): Promise<void> {
    const names = (await readdir(directory)).filter(name => name.endsWith('.log')).sort()
    const file = await open(join(directory, names[0]!), 'r+')
    const { size } = await file.stat()
    await file.write(Buffer.alloc(size - 100), 0, size - 100, 50)
    await file.close()
  }

  it('saves a start the walk through what it covers; damage there is found when it is read, and mended by the next start', async () => {
    const { store } = await LocalStore.open(directory, SMALL)
    // More than 256 pages, so that a close writes a snapshot.
    const users = Array.from({ length: 300 }, (_, i): Change => [`users/${i}`, `${i} `.repeat(1_500)])
    await store.write(filling(users), checkpoint)
    await store.write(filling([['users/last', 'l']]), checkpoint)
    await store.close()
    await damageFirstSegment()
    const warm = await LocalStore.open(directory, SMALL)
    expect(warm.wiped).toBeNull()
    expect(warm.store.get('users/last')?.toString()).toBe('l')
    expect(() => warm.store.get('users/0')).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }))
    const more = Array.from({ length: 300 }, (_, i): Change => [`more/${i}`, `${i} `.repeat(1_500)])
    await warm.store.write(filling(more), checkpoint).catch(() => undefined)
    await warm.store.close()
    const next = await LocalStore.open(directory, SMALL)
    expect(next.wiped).toMatchObject({ code: 'STORE_DAMAGED' })
    await next.store.close()
  })

  it('is not trusted where it is damaged, cut or of another store', async () => {
    await filled(30)
    const whole = await readFile(join(directory, SNAPSHOT))
    const flipped = Buffer.from(whole)
    flipped[flipped.length >> 1]! ^= 1
    const before = await LocalStore.open(directory, SMALL)
    const content = await contentOf(before.store, '')
    await before.store.close()
    for (const bytes of [flipped, whole.subarray(0, whole.length - 1), whole.subarray(0, 5), Buffer.alloc(0)]) {
      await writeFile(join(directory, SNAPSHOT), bytes)
      const { store, wiped } = await LocalStore.open(directory, SMALL)
      expect(wiped).toBeNull()
      expect(await contentOf(store, '')).toEqual(content)
      await store.close()
    }
    await rm(directory, { recursive: true })
    await filled(12)
    await writeFile(join(directory, SNAPSHOT), whole)
    const { store, wiped } = await LocalStore.open(directory, SMALL)
    expect(wiped).toBeNull()
    expect(store.get('users/20')?.toString()).toBe('11'.repeat(300))
    await store.close()
  })

  it('may be older than the log by many segments, deleted ones among them', async () => {
    await filled(12)
    const old = await readFile(join(directory, SNAPSHOT))
    await filled(120)
    const { store: now } = await LocalStore.open(directory, SMALL)
    const content = await contentOf(now, '')
    await now.close()
    await writeFile(join(directory, SNAPSHOT), old)
    const { store, wiped } = await LocalStore.open(directory, SMALL)
    expect(wiped).toBeNull()
    expect(await contentOf(store, '')).toEqual(content)
    await store.close()
  })

  it('has no id of a user who was deleted', async () => {
    const { store } = await LocalStore.open(directory, SMALL)
    await store.write(filling([['users/forgotten', '1']]), checkpoint)
    await store.write(filling([['users/forgotten', null]]), checkpoint)
    for (let i = 0; i < 40; i++) await store.write(filling([[`users/${i}`, 'u'.repeat(1_000)]]), checkpoint)
    await store.close()
    const snapshot = await readFile(join(directory, SNAPSHOT))
    expect([snapshot.includes('users/1'), snapshot.includes('forgotten')]).toEqual([true, false])
  })
})

describe('LocalStore after a crash', () => {
  /** Writes with deletes, overwrites and garbage: what was written, and the store's directory as it was after each write. */
  async function history(): Promise<{ writes: Change[][]; snapshots: string[] }> {
    const where = join(directory, 'live')
    const { store } = await LocalStore.open(where, SMALL)
    const writes: Change[][] = []
    const snapshots: string[] = []
    for (let round = 0; round < 60; round++) {
      const changes = Array.from({ length: 12 }, (_, i): Change => {
        const user = (round * 7 + i * 5) % 37
        return [`users/${user}`, (round + i) % 6 === 0 ? null : `${round}:`.repeat(20 + i)]
      })
      writes.push(changes)
      // Half of it ahead of its checkpoint, as a flush does.
      await store.writeAhead(filling(changes.slice(0, 6)))
      await store.write(filling(changes.slice(6)), { ...checkpoint, changelogPosition: round + 1 })
      if (round % 6 === 5) {
        const copy = join(directory, `snapshot-${round}`)
        await cp(where, copy, { recursive: true })
        snapshots.push(copy)
      }
    }
    await store.close()
    return { writes, snapshots }
  }

  /**
   * Opens it and replays from its checkpoint, as a takeover does, again where that finds damage: it must come to what was
   * written. True if it was warm.
   */
  async function expectConverges(where: string, writes: readonly Change[][], again = false): Promise<boolean> {
    const { store, wiped } = await LocalStore.open(where, SMALL)
    const from = store.checkpoint()?.changelogPosition ?? 0
    if (wiped !== null || from === 0) await store.clear()
    const model = new Map<string, string>()
    for (const [key, value] of writes.flat()) {
      if (value === null) model.delete(key)
      else model.set(key, value)
    }
    try {
      for (let i = from; i < writes.length; i++) {
        await store.write(filling(writes[i]!), { ...checkpoint, changelogPosition: i + 1 })
      }
      expect(await contentOf(store, 'users/')).toEqual(model)
      return from > 0
    } catch (error) {
      if (!(error instanceof StoreDamagedError) || again) throw error
    } finally {
      await store.close()
    }
    return expectConverges(where, writes, true)
  }

  it('comes to the state of the changelog wherever its last segment is cut', async () => {
    const { writes, snapshots } = await history()
    let warm = 0
    let cases = 0
    for (const snapshot of snapshots) {
      const { size } = await stat(await lastSegment(snapshot))
      // Its header was synced before anything that it does not need was deleted.
      for (let cut = SEGMENT_HEADER_BYTES; cut < size; cut += 1_009) {
        const where = join(directory, `cut-${cases++}`)
        await cp(snapshot, where, { recursive: true })
        await truncate(await lastSegment(where), cut)
        if (await expectConverges(where, writes)) warm++
        await rm(where, { recursive: true })
      }
    }
    expect(cases).toBeGreaterThan(20)
    // Only one whose first segment has lost its header, or its first checkpoint, is restored whole.
    expect(warm / cases).toBeGreaterThan(0.9)
  }, 60_000)

  it('has not deleted a segment as long as the only copies of its entries could still be cut off', async () => {
    const { store } = await LocalStore.open(directory, SMALL)
    const cold = Array.from({ length: 10 }, (_, i): Change => [`cold/${i}`, 'c'.repeat(150)])
    await store.write(filling(cold), checkpoint)
    let copied = 0
    for (let round = 0; round < 300 && copied < 5; round++) {
      const before = await lastSegment(directory)
      await store.write(filling([['users/a', `${round}`.repeat(150)]]), checkpoint)
      const last = await lastSegment(directory)
      if (last === before && !last.endsWith('00000001.log') && (await readFile(last)).includes('cold/9')) {
        copied++
        const cut = join(directory, `../${basename(directory)}-cut`)
        await cp(directory, cut, { recursive: true })
        await truncate(await lastSegment(cut), 20)
        const { store: after, wiped } = await LocalStore.open(cut, SMALL)
        expect([wiped, await contentOf(after, 'cold/')]).toEqual([null, new Map(cold as [string, string][])])
        await after.close()
        await rm(cut, { recursive: true })
      }
    }
    expect(copied).toBe(5)
    await store.close()
  })

  it('comes to the state of the changelog whatever byte of it the disk has changed', async () => {
    const { writes, snapshots } = await history()
    let cases = 0
    for (const snapshot of snapshots) {
      for (const name of await readdir(snapshot)) {
        const { size } = await stat(join(snapshot, name))
        for (let at = (cases * 31) % 3_000; at < size; at += 3_000) {
          const where = join(directory, `flip-${cases++}`)
          await cp(snapshot, where, { recursive: true })
          const file = await open(join(where, name), 'r+')
          const byte = Buffer.alloc(1)
          await file.read(byte, 0, 1, at)
          await file.write(Buffer.from([byte[0]! ^ (1 << (cases % 8))]), 0, 1, at)
          await file.close()
          await expectConverges(where, writes)
          await rm(where, { recursive: true })
        }
      }
    }
    expect(cases).toBeGreaterThan(30)
  }, 60_000)
})
