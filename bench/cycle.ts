/**
 * All that a task does per record without a broker: read batches, decode, decide (the race's topology), encode outputs
 * and changelog, keep the state, write the local store. `node bench/cycle.ts [--users 200000] [--records 400000]
 * [--runs 5]`. Cycles of `--cycle` records; one task. The minimum of the runs is the figure: it is what noise cannot lower.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CycleContext } from '../src/engine/context.ts'
import { Cycle } from '../src/engine/cycle.ts'
import { PartitionState } from '../src/engine/state.ts'
import { BatchBuilder, scanRecords } from '../src/kafka/recordBatch.ts'
import { LocalStore } from '../src/store/localStore.ts'
import { raceCodecs } from './race/records.ts'
import type { EventType, UserEvent } from './race/records.ts'
import { raceTopics, raceTopology } from './race/topology.ts'

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '50000' },
    records: { type: 'string', default: '250000' },
    cycle: { type: 'string', default: '2500' },
    runs: { type: 'string', default: '5' },
    flush: { type: 'string', default: '40' },
  },
})
const users = Number(values.users)
const recordCount = Number(values.records)
const perCycle = Number(values.cycle)
const flushEvery = Number(values.flush)
const TYPES: readonly EventType[] = [
  'updated',
  'updated',
  'updated',
  'expired',
  'enrolled',
  'updated',
  'opt_out',
  'updated',
]

const codecs = raceCodecs()
const topics = raceTopics('', 'out.', 'bench-decide')
const topology = raceTopology(topics)

/** Batches of events of users at random, about 500 records each, as a fetch brings them. */
function inputBatches(): Buffer[] {
  const batches: Buffer[] = []
  let builder = new BatchBuilder(1 << 20)
  for (let i = 0; i < recordCount; i++) {
    const user = Math.floor(Math.random() * users)
    const name = `user-${String(user).padStart(6, '0')}`
    const event: UserEvent = {
      event_id: randomUUID(),
      type: TYPES[user % 10 === 9 ? 6 : i % 6]!,
      user_id: name,
      card_ref: `card-${String(user * 2 + (i & 1)).padStart(6, '0')}`,
      updated_at: 1_750_000_000_000 + i * 10,
      source_topic: 'card-lifecycle',
      source_offset: i,
    }
    builder.append(event.updated_at, Buffer.from(name), event, codecs.events)
    if (builder.recordCount < 500 && i < recordCount - 1) continue
    batches.push(Buffer.from(builder.finish(-1n, 0, 0)))
    builder = new BatchBuilder(1 << 20)
  }
  return batches
}

async function run(batches: readonly Buffer[]): Promise<{ cpuUs: number; wallUs: number; rssMb: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'onfile-bench-cycle-'))
  const { store } = await LocalStore.open(directory)
  const options = { changelog: topics.changelog, partition: 0, store, stateVersion: 1, cacheEntries: users }
  const state = new PartitionState(options, 0)
  let [cycle, other] = [new Cycle<never>(), new Cycle<never>()]
  const outputs = [topics.commands, topics.outcomes, topics.suppressions]
  const counts = new Map(outputs.map(topic => [topic, 1]))
  const context = new CycleContext(
    topics.events,
    0,
    state.createTables(topology.tables),
    state,
    cycle,
    counts,
    () => undefined,
  )
  const processor = topology.createProcessor({} as never)
  let cycles = 0
  const commit = (): void => {
    for (const round of cycle.rounds()) for (const { batch } of round) batch.finish(1n, 0, 0)
    const committed = cycle
    ;[cycle, other] = [other, cycle]
    state.begin(cycle, 0)
    context.cycle = cycle
    const changes = committed.changedSlots.length
    state.committed(committed, changes === 0 ? undefined : state.changelogEnd + changes)
    committed.reset()
  }
  const cpu = process.cpuUsage()
  const startedMs = performance.now()
  state.begin(cycle, 0)
  for (const bytes of batches) {
    scanRecords(bytes, 0, [], record => {
      processor.onRecord(record, context)
      cycle.records++
      return true
    })
    if (cycle.records < perCycle) continue
    commit()
    if (++cycles % flushEvery === 0) await state.flush(0)
  }
  commit()
  await state.flush(0)
  const { user, system } = process.cpuUsage(cpu)
  const wallUs = ((performance.now() - startedMs) * 1_000) / recordCount
  const rssMb = process.memoryUsage.rss() / 1e6
  await store.close()
  rmSync(directory, { recursive: true, force: true })
  return { cpuUs: (user + system) / recordCount, wallUs, rssMb }
}

const batches = inputBatches()
const results = []
for (let i = 0; i < Number(values.runs); i++) {
  const result = await run(batches)
  results.push(result)
  const { cpuUs, wallUs, rssMb } = result
  console.log(`${cpuUs.toFixed(2)} us CPU, ${wallUs.toFixed(2)} us per record, RSS ${rssMb.toFixed(0)} MB`)
}
console.log(`least: ${Math.min(...results.map(({ cpuUs }) => cpuUs)).toFixed(2)} us CPU per record`)
