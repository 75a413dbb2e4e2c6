import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentObserver } from '../../../src/engine/observer.ts'
import { ENGINE_DEFAULTS } from '../../../src/engine/options.ts'
import { takeOver } from '../../../src/engine/takeover.ts'
import type { Cluster } from '../../../src/kafka/cluster.ts'
import type { Fetcher } from '../../../src/kafka/fetcher.ts'
import type { Request } from '../../../src/kafka/request.ts'
import type { TransactionalProducer } from '../../../src/kafka/transaction.ts'
import type { LocalStore } from '../../../src/store/localStore.ts'

const COMMITTED = 100

let directory: string
const stores: LocalStore[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'onfile-takeover-'))
})
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  await rm(directory, { recursive: true, force: true })
})

/** Its changelog is empty; the input of each partition ends there. Where it does not say, it never answers. */
function clusterWith(inputEnds: readonly (number | null)[]): Cluster {
  const call = (_node: number, _lane: string, request: Request<unknown>) => {
    const body = Buffer.concat([...request.encode(3)])
    if (body.includes('changelog')) return Promise.resolve({ errorCode: 0, offset: 0 })
    const end = inputEnds[body.readInt32BE(body.indexOf('input') + 'input'.length + 4)]
    return end === null ? new Promise(() => undefined) : Promise.resolve({ errorCode: 0, offset: end })
  }
  return { leaderOf: () => Promise.resolve(1), forgetLeaders: () => undefined, call } as unknown as Cluster
}

/** Takes over a partition for each end of an input, all at once; the partitions in the order in which they were restored. */
async function restoredInOrder(inputEnds: readonly (number | null)[]): Promise<number[]> {
  const order: number[] = []
  const cluster = clusterWith(inputEnds)
  const engine = {
    ...ENGINE_DEFAULTS,
    cluster,
    applicationId: 'app',
    stateDirectory: directory,
    log: pino({ enabled: false }),
    observer: {
      ...silentObserver,
      restored: (_role: string, _topic: string, partition: number) => void order.push(partition),
    },
  }
  const producer = {
    producerId: 7000n,
    epoch: 1,
    takeOver: () => Promise.resolve(),
    committedOffset: () => Promise.resolve({ offset: COMMITTED, metadata: 'cycle=1 changelog=0 owner=7000:1' }),
  } as unknown as TransactionalProducer
  const fetcher = { subscribe: () => ({ take: () => undefined, close: () => undefined }) } as unknown as Fetcher
  const takeovers = inputEnds.map((_, partition) =>
    takeOver({
      engine,
      topology: { role: 'role', changelog: 'changelog', stateVersion: 1, startAt: () => 'earliest' },
      topic: 'input',
      partition,
      producer,
      fetcher,
      signal: new AbortController().signal,
      log: engine.log,
      onRestoring: () => undefined,
      onProgress: () => undefined,
      onOpened: store => stores.push(store),
      served: Promise.resolve(false),
    }),
  )
  await Promise.all(takeovers)
  return order
}

describe('partitions that are taken over at the same time', () => {
  it('are restored in the order of how much input waits for them', async () => {
    expect(await restoredInOrder([COMMITTED, COMMITTED + 5, COMMITTED + 9])).toEqual([2, 1, 0])
  })

  it('wait for no answer about it', async () => {
    expect(await restoredInOrder([null, COMMITTED + 5, null])).toEqual([1, 0, 2])
  })
})
