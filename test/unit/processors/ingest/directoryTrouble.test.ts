import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InputNotReadyError } from '../../../../src/engine/processor.ts'
import type { Processor } from '../../../../src/engine/processor.ts'
import type { RecordView } from '../../../../src/kafka/recordBatch.ts'
import { CardDirectory } from '../../../../src/vault/directory.ts'
import { ingestHarness, OwnerShelf } from '../../../support/ingestHarness.ts'
import type { IngestHarness } from '../../../support/ingestHarness.ts'
import { recordView } from '../../../support/recordView.ts'

const MINUTE = 60_000

let server: Server
let asked: string[]
let answer: (cardRef: string, response: ServerResponse) => void
let nowMs: number
let directory: CardDirectory

beforeEach(async () => {
  asked = []
  nowMs = Date.parse('2025-03-28T12:00:00.000Z')
  server = createServer((request, response) => {
    const cardRef = decodeURIComponent(request.url!.split('/')[2]!)
    asked.push(cardRef)
    answer(cardRef, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  directory = new CardDirectory({ url, token: 't', timeoutMs: 1_000, clock: () => nowMs })
})
afterEach(async () => {
  await directory.close()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const found = (cardRef: string, response: ServerResponse) =>
  void response.writeHead(200).end(JSON.stringify({ user_id: `user of ${cardRef}` }))

const recordOf = (cardRef: string, offset: number) =>
  recordView({
    key: cardRef,
    value: JSON.stringify({ event_uid: `e-${offset}`, data: { id: cardRef, type: 'updated' } }),
    offset,
  })

/** As the engine does it: what lacks something is tried again, here three times. Gives how many records went on. */
async function process(processor: Processor, harness: IngestHarness, records: readonly RecordView[]): Promise<number> {
  const { signal } = new AbortController()
  let done = 0
  let look: (() => Promise<void>) | null = () => processor.prepare!(records, signal)
  let failures = 0
  while (failures < 3) {
    if (look !== null) {
      try {
        await look()
        look = null
      } catch {
        failures++
        continue
      }
    }
    if (done === records.length) break
    try {
      processor.onRecord(records[done]!, harness.context)
      done++
      failures = 0
    } catch (error) {
      if (!(error instanceof InputNotReadyError)) throw error
      look = () => error.resolve(signal)
    }
  }
  return done
}

describe('a card for which the directory has no answer', () => {
  const troubles: [string, (response: ServerResponse) => void][] = [
    ['an error', response => void response.writeHead(500).end()],
    ['nothing at all', () => undefined],
    ['garbage', response => void response.writeHead(200).end('<html>')],
    ['an answer without the owner', response => void response.writeHead(200).end('{}')],
    ['a cut answer', response => void response.writeHead(200, { 'content-length': '40' }).end('{"user_id"')],
  ]
  it.each(troubles)('(%s) holds up nothing before it, and what is behind it for 15 minutes', async (_, trouble) => {
    answer = (cardRef, response) => (cardRef === 'bad' ? trouble(response) : found(cardRef, response))
    const harness = ingestHarness({}, directory)
    const processor = harness.processor()
    const cards = ['a', 'b', 'bad', 'c', 'd']
    const records = cards.map(recordOf)
    expect(await process(processor, harness, records)).toBe(2)
    expect(new Set(asked)).toEqual(new Set(cards))

    nowMs += 15 * MINUTE
    expect(await process(processor, harness, records.slice(2))).toBe(3)
    expect([...harness.counts]).toEqual([
      ['forwarded card-lifecycle lifecycle', 4],
      ['dead card-lifecycle user_unresolved', 1],
    ])
  })

  it('ends as a dead letter after an hour where it is the only one, and its partition goes on', async () => {
    answer = (cardRef, response) => void response.writeHead(cardRef === 'bad' ? 500 : 404).end()
    const harness = ingestHarness({}, directory)
    const processor = harness.processor()
    expect(await process(processor, harness, [recordOf('bad', 0)])).toBe(0)
    nowMs += 60 * MINUTE
    expect(await process(processor, harness, [recordOf('bad', 0)])).toBe(1)
  })
})

describe('a fetch that names thousands of cards', () => {
  it('is looked up in pieces, so that the answers for the first ones are used before they are old', async () => {
    const shelf = new OwnerShelf()
    const calls: number[] = []
    const counting = {
      owner: (cardRef: string) => shelf.owner(cardRef),
      resolve: async (cardRefs: Iterable<string>) => {
        const cards = [...cardRefs]
        calls.push(cards.length)
        shelf.owners.clear()
        await shelf.resolve(cards)
      },
    }
    shelf.ask = cardRef => `user of ${cardRef}`
    const harness = ingestHarness({}, counting)
    const records = Array.from({ length: 1_300 }, (_, offset) => recordOf(`card-${offset}`, offset))
    expect(await process(harness.processor(), harness, records)).toBe(1_300)
    expect(calls).toEqual([512, 512, 276])
    expect(harness.counts.get('forwarded card-lifecycle lifecycle')).toBe(1_300)
  })
})
