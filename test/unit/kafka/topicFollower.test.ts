import { afterEach, expect, it } from 'vitest'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { TopicFollower } from '../../../src/kafka/topicFollower.ts'
import { Writer } from '../../../src/kafka/wire.ts'
import type { Reader } from '../../../src/kafka/wire.ts'
import { PUSHES_KEY, switchValue } from '../../../src/processors/control.ts'
import { KillSwitch } from '../../../src/processors/provision/killSwitch.ts'
import { batchOf } from './batches.ts'
import { apiVersionsAnswer, FakeBroker, metadataAnswer, MODERN } from './fakeBroker.ts'

const [FETCH, LIST_OFFSETS, METADATA, API_VERSIONS] = [1, 2, 3, 18]
const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

function ordered(pushes: 'paused' | 'running', baseOffset: number): Buffer {
  const value = switchValue({ pushes, actor: 'ops', reason: 'a drill', atMs: 1_700_000_000_000 })
  const key = Buffer.from(PUSHES_KEY)
  return batchOf([{ timestampMs: 1_700_000_000_000, key, value, headers: [] }], { baseOffset, transactional: false })
}

function fetchAnswer(bytes: Buffer, highWatermark: number): Buffer {
  const body = new Writer().int32(0).int16(0).int32(0).int32(1).string('control').int32(1)
  body.int32(0).int16(0).int64(highWatermark).int64(highWatermark).int64(0).int32(0).int32(-1)
  return body.bytes(bytes).finish()
}

function listAnswer(): Buffer {
  return new Writer().int32(0).int32(1).string('control').int32(1).int32(0).int16(0).int64(-1).int64(0).finish()
}

/** Of a Fetch request for one partition. */
function fetchOffsetOf(body: Reader): number {
  for (let field = 0; field < 4; field++) body.int32()
  body.int8()
  for (let field = 0; field < 3; field++) body.int32()
  body.string()
  for (let field = 0; field < 3; field++) body.int32()
  return body.safeInt64()
}

it('a stop stands while the topic is read once more from its start: what was ordered before it does not count', async () => {
  const damaged = ordered('running', 2)
  damaged[damaged.length - 2]! ^= 4
  // Whole at first; then a damaged batch ends the reading, and begins it anew; the stop comes a fetch later, of which there is no end.
  const state = { starts: 0 }
  const answerOf = (offset: number): Buffer | null => {
    if (offset === 0) return fetchAnswer(ordered('running', 0), 2)
    if (offset === 1) return state.starts === 1 ? fetchAnswer(ordered('paused', 1), 2) : null
    return state.starts === 1 ? fetchAnswer(damaged, 3) : fetchAnswer(Buffer.alloc(0), 2)
  }
  const broker = await FakeBroker.start(({ apiKey, body, answer }, self) => {
    if (apiKey === API_VERSIONS) answer(apiVersionsAnswer(MODERN))
    if (apiKey === METADATA) answer(metadataAnswer(self.address, [{ name: 'control', leaders: [1] }]))
    if (apiKey === LIST_OFFSETS) {
      state.starts++
      answer(listAnswer())
    }
    if (apiKey !== FETCH) return
    const reply = answerOf(fetchOffsetOf(body))
    if (reply !== null) setTimeout(() => answer(reply), 20)
  })
  const cluster = await Cluster.connect({ brokers: [broker.address], clientId: 'test', requestTimeoutMs: 5_000 })
  const reads: string[] = []
  const follower = new TopicFollower({
    cluster,
    topic: 'control',
    onRecord: record => {
      reads.push(/paused|running/.exec(record.value()!.toString('utf8'))![0])
      killSwitch.apply(record)
    },
    onChecked: () => killSwitch.check(),
  })
  const killSwitch = new KillSwitch({ reader: follower, now: Date.now })
  const seen = { stop: false, release: false }
  killSwitch.onChange(() => {
    if (killSwitch.held()?.reason === 'operator') seen.stop = true
    else if (seen.stop && killSwitch.held() === null) seen.release = true
  })
  open.push({ close: () => broker[Symbol.asyncDispose]() }, cluster, follower)
  follower.start()

  await expect.poll(() => seen.stop, { timeout: 10_000 }).toBe(true)
  // The topic is read anew, and what stands before the stop has come.
  await expect.poll(() => reads.slice(2), { timeout: 10_000 }).toEqual(['running'])
  expect(killSwitch.held()).toMatchObject({ reason: 'switch_unknown' })
  expect(seen.release).toBe(false)
})
