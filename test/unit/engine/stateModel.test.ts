import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Cycle } from '../../../src/engine/cycle.ts'
import type { Codec, Table } from '../../../src/engine/processor.ts'
import { PartitionState } from '../../../src/engine/state.ts'
import { scanRecords } from '../../../src/kafka/recordBatch.ts'
import { KeyTable, OWNER_CELL } from '../../../src/store/keyTable.ts'
import { LocalStore } from '../../../src/store/localStore.ts'

const text: Codec<string> = {
  encode(value, buffer, position) {
    const bytes = Buffer.byteLength(value)
    if (position + bytes <= buffer.length) buffer.write(value, position)
    return position + bytes
  },
  decode: (buffer, start, end) => buffer.toString('utf8', start, end),
}

type Name = 'a' | 'ab'
/** Two tables, of which one's name begins with the other's. */
const NAMES: readonly Name[] = ['a', 'ab']

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onfile-state-model-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(directory, { recursive: true, force: true })
})

/** A task's state beside what it should be: plain maps from key in the store to value. */
class Modelled {
  readonly model = new Map<string, string>()
  private committed = new Map<string, string>()
  /** Keys of the changes of the cycle that is filled, in order. */
  private changed: string[] = []
  private readonly store: LocalStore
  private readonly cacheEntries: number
  private state!: PartitionState
  private tables!: Record<Name, Table<string>>
  private cycle = new Cycle<never>()
  private other = new Cycle<never>()
  private committing: { readonly cycle: Cycle<never>; readonly model: Map<string, string> } | null = null
  private position = 0
  private flushing: Promise<void> = Promise.resolve()

  constructor(store: LocalStore, cacheEntries: number) {
    this.store = store
    this.cacheEntries = cacheEntries
    this.open()
  }

  private open(): void {
    const { store, cacheEntries } = this
    const options = { changelog: 'log', partition: 0, store, stateVersion: 1, cacheEntries }
    this.state = new PartitionState(options, this.position)
    this.tables = this.state.createTables<Record<Name, string>>({ a: text, ab: text })
    ;[this.cycle, this.other, this.committing] = [new Cycle<never>(), new Cycle<never>(), null]
    this.state.begin(this.cycle, 0)
  }

  get(name: Name, key: string): void {
    expect(this.tables[name].get(key)).toBe(this.model.get(`${name}/${key}`))
  }

  put(name: Name, key: string, value: string): void {
    this.tables[name].put(key, value)
    this.model.set(`${name}/${key}`, value)
    this.changed.push(`${name}/${key}`)
  }

  delete(name: Name, key: string): void {
    this.tables[name].delete(key)
    if (this.model.delete(`${name}/${key}`)) this.changed.push(`${name}/${key}`)
  }

  /** The changelog gets what was changed, key by key. */
  startCommit(): void {
    this.endCommit()
    const keys: (string | null)[] = []
    for (const { batch } of this.cycle.rounds().flat()) {
      scanRecords(Buffer.from(batch.finish(1n, 0, 0)), 0, [], record => void keys.push(record.keyString()))
    }
    expect(keys).toEqual(this.changed)
    this.changed = []
    this.committing = { cycle: this.cycle, model: new Map(this.model) }
    ;[this.cycle, this.other] = [this.other, this.cycle]
    this.state.begin(this.cycle, 0)
  }

  endCommit(): void {
    if (this.committing === null) return
    const { cycle, model } = this.committing
    this.state.committed(cycle, (this.position += 1 + cycle.changedSlots.length))
    cycle.reset()
    this.committed = model
    this.committing = null
  }

  /** Begins a flush that goes on while the task does. */
  async flush(fails: boolean): Promise<void> {
    await this.flushed()
    if (!fails) {
      this.flushing = this.state.flush(0, { sync: false, writeEntries: 50 })
      return
    }
    const refusing = vi.spyOn(this.store, 'write').mockRejectedValueOnce(new Error('disk full'))
    const failed = this.state.flush(0)
    refusing.mockRestore()
    this.flushing = expect(failed).rejects.toThrow('disk full')
  }

  flushed(): Promise<void> {
    return this.flushing
  }

  /** What has not committed is lost: the task begins again with what the store has. */
  async abort(): Promise<void> {
    await this.flushed()
    await this.state.flush(0)
    this.model.clear()
    for (const [key, value] of this.committed) this.model.set(key, value)
    this.changed = []
    this.open()
  }

  async check(keys: Iterable<string>): Promise<void> {
    for (const key of keys) for (const name of NAMES) this.get(name, key)
    this.startCommit()
    this.endCommit()
    await this.flushed()
    await this.state.flush(0)
    const stored = new Map<string, string>()
    for await (const [key, value] of this.store.entries('a')) stored.set(key, value.toString())
    expect(stored).toEqual(this.model)
    expect(this.state.unflushedBytes).toBe(0)
  }
}

const key = fc.oneof(
  { weight: 6, arbitrary: fc.nat(60).map(number => `user-${number}`) },
  { weight: 2, arbitrary: fc.stringMatching(/^[b/]{0,3}$/u) },
  { weight: 1, arbitrary: fc.constantFrom('é', '日本', '👍🏽', 'é'.repeat(40), 'x'.repeat(64), 'x'.repeat(65)) },
  { weight: 1, arbitrary: fc.nat(3).map(number => `${number}${'ü'.repeat(200)}`) },
)
const name = fc.constantFrom(...NAMES)
const value = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.nat(2_000).map(length => 'v'.repeat(length)),
)
const command = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('put' as const), name, key, value }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), name, key }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('get' as const), name, key }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'start' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'end' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush' as const), fails: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'flushed' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'abort' as const }) },
)

describe('the state of a task beside a map', () => {
  it.each([
    ['16 entries in memory', 16, -1],
    ['all of it in memory', 10_000, -1],
    ['16 entries in memory, keys of four hashes', 16, 3],
    ['all of it in memory, keys of one hash', 10_000, 0],
  ])('is the same whatever happens, with %s', async (_, cacheEntries, bits) => {
    const plain = new KeyTable(1, OWNER_CELL)
    const mix = plain.mix.bind(plain)
    vi.spyOn(KeyTable.prototype, 'mix').mockImplementation(hash => mix(hash) & bits)
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 250, size: 'max' }), async commands => {
        const { store } = await LocalStore.open(await mkdtemp(join(directory, 'run-')))
        const task = new Modelled(store, cacheEntries)
        const keys = new Set<string>()
        for (const c of commands) {
          if ('key' in c) keys.add(c.key)
          if (c.kind === 'put') task.put(c.name, c.key, c.value)
          else if (c.kind === 'delete') task.delete(c.name, c.key)
          else if (c.kind === 'get') task.get(c.name, c.key)
          else if (c.kind === 'start') task.startCommit()
          else if (c.kind === 'end') task.endCommit()
          else if (c.kind === 'flush') await task.flush(c.fails)
          else if (c.kind === 'flushed') await task.flushed()
          else await task.abort()
        }
        await task.check(keys)
        await store.close()
      }),
      { numRuns: 30 },
    )
  })

  it('is the same when it grows to thousands of entries and past what memory is for', async () => {
    const { store } = await LocalStore.open(directory)
    const task = new Modelled(store, 3_000)
    const keys = Array.from({ length: 5_000 }, (_, number) => `user-${number}`)
    for (let round = 0; round < 4; round++) {
      for (const [number, one] of keys.entries()) {
        if ((number + round) % 7 === 0) task.delete('ab', one)
        else task.put('ab', one, `${round}`.repeat(1 + (number % 9) * (round + 1)))
        task.get('ab', keys[(number * 31) % keys.length]!)
        if (number % 900 !== 0) continue
        task.startCommit()
        task.endCommit()
        await task.flush(false)
      }
    }
    await task.check(keys)
    await store.close()
  })

  it('does not take for a key that was let go what stands in its slot since, though it was asked for last', async () => {
    const { store } = await LocalStore.open(directory)
    const task = new Modelled(store, 16)
    task.put('a', 'last', 'mine')
    for (let number = 0; number < 200; number++) {
      task.put('ab', `${number}`, `${number}`)
      if (number % 10 !== 9) continue
      task.startCommit()
      task.endCommit()
      await task.flush(false)
      await task.flushed()
    }
    for (let round = 0; round < 200; round++) {
      task.get('a', 'last')
      for (let number = 0; number < 60; number++) task.get('ab', `${(round * 7 + number) % 200}`)
    }
    task.put('a', 'last', 'again')
    await task.check(['last', '0', '199'])
    await store.close()
  })

  it('keeps what was written anew while the store takes its delete', async () => {
    const { store } = await LocalStore.open(directory)
    const task = new Modelled(store, 10_000)
    task.put('a', 'back', '1')
    task.startCommit()
    task.delete('a', 'back')
    task.startCommit()
    task.endCommit()
    await task.flush(false)
    task.put('a', 'back', '2')
    for (let number = 0; number < 40; number++) task.put('a', `${number}`, 'v')
    await task.flushed()
    await task.check(['back'])
    await store.close()
  })
})
