import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Cycle } from '../../../src/engine/cycle.ts'
import type { Codec, Table } from '../../../src/engine/processor.ts'
import { PartitionState } from '../../../src/engine/state.ts'
import { LocalStore } from '../../../src/store/localStore.ts'

const text: Codec<string> = {
  encode(value, buffer, position) {
    const bytes = Buffer.byteLength(value)
    if (position + bytes <= buffer.length) buffer.write(value, position)
    return position + bytes
  },
  decode: (buffer, start, end) => buffer.toString('utf8', start, end),
}

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onfile-state-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** A task's state with the two cycles that a task swaps: one is filled while the other one commits. */
class Bench {
  readonly state: PartitionState
  readonly table: Table<string>
  readonly store: LocalStore
  private filling = new Cycle<never>()
  private committing: Cycle<never> | null = null
  private spare = new Cycle<never>()

  private constructor(store: LocalStore, position: number) {
    this.store = store
    // A cache of 16 entries per generation: far smaller than what the tests touch.
    const options = { changelog: 'log', partition: 0, store, stateVersion: 1, cacheEntries: 1 }
    this.state = new PartitionState(options, position)
    this.table = this.state.createTables<{ names: string }>({ names: text }).names
    this.state.begin(this.filling, 0)
  }

  static async open(where: string): Promise<Bench> {
    const { store } = await LocalStore.open(where)
    return new Bench(store, store.checkpoint()?.changelogPosition ?? 0)
  }

  startCommit(): void {
    if (this.committing !== null) return
    this.committing = this.filling
    this.filling = this.spare
    this.state.begin(this.filling, 0)
  }

  endCommit(position: number): void {
    if (this.committing === null) return
    this.state.committed(this.committing, position)
    this.committing.reset()
    this.spare = this.committing
    this.committing = null
  }

  close(): Promise<void> {
    return this.store.close()
  }
}

async function contentOf(store: LocalStore): Promise<Map<string, Buffer>> {
  const content = new Map<string, Buffer>()
  for await (const [key, value] of store.entries('names/')) content.set(key, Buffer.from(value))
  return content
}

describe('PartitionState', () => {
  it('reads what was written last, whatever is cached, committing, flushing or stored', async () => {
    const command = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key: fc.nat(80), value: fc.string() }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key: fc.nat(80) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('get' as const), key: fc.nat(80) }) },
      { weight: 2, arbitrary: fc.constant({ kind: 'start' as const }) },
      { weight: 2, arbitrary: fc.constant({ kind: 'end' as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'flush' as const }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 300 }), async commands => {
        const where = await mkdtemp(join(directory, 'run-'))
        const bench = await Bench.open(where)
        const model = new Map<string, string>()
        let position = 0
        for (const c of commands) {
          if (c.kind === 'put') {
            bench.table.put(`k${c.key}`, c.value)
            model.set(`k${c.key}`, c.value)
          } else if (c.kind === 'delete') {
            bench.table.delete(`k${c.key}`)
            model.delete(`k${c.key}`)
          } else if (c.kind === 'get') {
            expect(bench.table.get(`k${c.key}`)).toBe(model.get(`k${c.key}`))
          } else if (c.kind === 'start') bench.startCommit()
          else if (c.kind === 'end') bench.endCommit((position += 400))
          else await bench.state.flush(0)
        }
        for (let key = 0; key <= 80; key++) expect(bench.table.get(`k${key}`)).toBe(model.get(`k${key}`))
        await bench.close()
      }),
      { numRuns: 60 },
    )
  })

  it('stores committed changes only, with their changelog position', async () => {
    const bench = await Bench.open(directory)
    bench.table.put('a', 'committed')
    bench.startCommit()
    bench.table.put('a', 'not committed')
    bench.table.put('b', 'not committed')
    bench.endCommit(7)
    await bench.state.flush(1000)
    await bench.close()

    const { store } = await LocalStore.open(directory)
    expect(store.checkpoint()).toEqual({ changelogPosition: 7, stateVersion: 1, writtenAtMs: 1000 })
    expect(store.get('names/a')?.toString()).toBe('committed')
    expect(store.get('names/b')).toBeUndefined()
    await store.close()
  })

  it('keeps what the store did not take, and gives it the newest of it later', async () => {
    const bench = await Bench.open(directory)
    bench.table.put('a', '1')
    bench.table.put('b', '1')
    bench.startCommit()
    bench.endCommit(3)
    const { store } = bench
    const refusing = vi.spyOn(store, 'write').mockRejectedValueOnce(new Error('disk full'))
    const flush = bench.state.flush(0)
    bench.table.put('a', '2')
    bench.startCommit()
    bench.endCommit(5)
    await expect(flush).rejects.toThrow('disk full')
    expect(bench.state.hasUnflushed).toBe(true)
    expect(bench.table.get('b')).toBe('1')
    refusing.mockRestore()
    await bench.state.flush(0)
    expect([bench.state.hasUnflushed, bench.state.unflushedBytes]).toEqual([false, 0])
    expect([store.get('names/a')?.toString(), store.get('names/b')?.toString()]).toEqual(['2', '1'])
    expect(store.checkpoint()?.changelogPosition).toBe(5)
    await bench.close()
  })

  it('counts what waits for the store by the memory that it takes: small values and deletes, too', async () => {
    const bench = await Bench.open(directory)
    for (let user = 0; user < 100; user++) bench.state.schedule(`user/${user}`, 'hard', 500)
    bench.startCommit()
    bench.endCommit(100)
    const counted = bench.state.unflushedBytes
    expect(counted / 100).toBeGreaterThan(180)
    expect(counted / 100).toBeLessThan(300)
    await bench.state.flush(0)
    expect(bench.state.unflushedBytes).toBe(0)
    for (let user = 0; user < 100; user++) bench.state.cancelTimer(`user/${user}`, 'hard')
    bench.startCommit()
    bench.endCommit(300)
    expect(bench.state.unflushedBytes).toBe(counted - 100 * 8)
    await bench.close()
  })

  it('keeps nothing in memory of timers that have fired and entries that are deleted, once the store knows it', async () => {
    const { store } = await LocalStore.open(directory)
    const options = { changelog: 'log', partition: 0, store, stateVersion: 1, cacheEntries: 100_000 }
    const state = new PartitionState(options, 0)
    const { names } = state.createTables<{ names: string }>({ names: text })
    const cycle = new Cycle<never>()
    let position = 0
    const commit = () => {
      state.committed(cycle, (position += 2_000))
      cycle.reset()
      state.begin(cycle, 0)
    }
    state.begin(cycle, 0)
    for (let i = 0; i < 500; i++) state.schedule(`user/${i}`, 'hard', i)
    for (let i = 0; i < 500; i++) names.put(`k${i}`, 'v')
    commit()
    await state.flush(0)
    expect(state.entriesInMemory).toBe(1_000)
    for (let timer = state.timers.take(1_000); timer; timer = state.timers.take(1_000))
      state.fired(timer.key, timer.name)
    for (let i = 0; i < 490; i++) names.delete(`k${i}`)
    commit()
    const flush = state.flush(0)
    names.put('k0', 'again')
    await flush
    // Those of before, the one that is written anew, and the few whose decoded value is still kept.
    expect(state.entriesInMemory).toBeLessThan(10 + 1 + 20)
    expect([names.get('k0'), names.get('k1'), names.get('k499')]).toEqual(['again', undefined, 'v'])
    commit()
    await state.flush(0)
    expect((await contentOf(store)).size).toBe(11)
    await store.close()
  })

  it('finds timers and entries again after a restart', async () => {
    const bench = await Bench.open(directory)
    bench.table.put('a', '1')
    bench.state.schedule('user/1', 'hard', 500)
    bench.state.schedule('user/2', 'hard', 400)
    bench.state.cancelTimer('user/2', 'hard')
    bench.startCommit()
    bench.endCommit(4)
    await bench.state.flush(0)
    await bench.close()

    const again = await Bench.open(directory)
    await again.state.loadTimers()
    expect(again.state.timers.take(1000)).toEqual({ key: 'user/1', name: 'hard', dueAtMs: 500 })
    expect(again.state.timers.take(1000)).toBeUndefined()
    const release = await again.state.loadEntries()
    expect([...again.table.entries()]).toEqual([['a', '1']])
    release()
    expect(() => [...again.table.entries()]).toThrow('onRestored')
    await again.close()
  })
})

describe('the end of the changelog', () => {
  it('is behind the marker of the last commit that wrote to it, wherever its records came to stand', async () => {
    const { store } = await LocalStore.open(directory)
    const state = new PartitionState({ changelog: 'log', partition: 0, store, stateVersion: 1, cacheEntries: 1 }, 7)
    const { names } = state.createTables<{ names: string }>({ names: text })
    expect(state.changelogEnd).toBe(7)
    // One change each; before the second stand the records and the marker of attempts that were aborted; the third has none.
    for (const [next, end] of [
      [8, 9],
      [40, 41],
      [undefined, 41],
      [42, 43],
    ] as const) {
      const cycle = new Cycle<never>()
      state.begin(cycle, 0)
      if (next !== undefined) names.put('k', 'v')
      state.committed(cycle, next)
      expect(state.changelogEnd).toBe(end)
    }
    await state.flush(0)
    expect(store.checkpoint()?.changelogPosition).toBe(42)
    await store.close()
  })
})
