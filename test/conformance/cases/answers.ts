import type { ChainRun } from '../../support/chain/harness.ts'
import { API } from '../../support/kafkaProxy.ts'
import type { ApiName, Fault, KafkaProxy } from '../../support/kafkaProxy.ts'
import type { ConformanceCase, Site } from '../case.ts'
import { behindProxy, commitsGoOn, doubtsIn, endedDoubts, inject, REQUEST_TIMEOUT_MS, suffer } from './behindProxy.ts'
import { withChain } from './chain.ts'

const LATE_MS = 2_500
/** An error code that no release of Kafka has given a meaning yet. */
const UNHEARD_OF = 9_999

interface Loss {
  readonly name: string
  readonly fault: Omit<Fault, 'api'>
}

const losses: readonly Loss[] = [
  { name: 'answer lost with its connection', fault: { on: 'response', action: 'cut' } },
  { name: 'answer lost, connection stays', fault: { on: 'response', action: 'swallow' } },
  { name: 'answer late', fault: { on: 'response', action: 'delay', delayMs: LATE_MS } },
  { name: 'answer cut in half', fault: { on: 'response', action: 'half' } },
  { name: 'request lost with its connection', fault: { on: 'request', action: 'cut' } },
  { name: 'request lost, connection stays', fault: { on: 'request', action: 'swallow' } },
  { name: 'request late, after the client gave up', fault: { on: 'request', action: 'delay', delayMs: LATE_MS } },
  { name: 'request cut in half', fault: { on: 'request', action: 'half' } },
]

const newError: Loss = {
  name: 'answer with an unheard-of error code',
  fault: { on: 'response', action: 'error', errorCode: UNHEARD_OF },
}

const committing: readonly { api: ApiName; protocols: readonly Site['protocol'][]; losses: readonly Loss[] }[] = [
  { api: 'Produce', protocols: ['v1', 'v2'], losses },
  { api: 'AddPartitionsToTxn', protocols: ['v1'], losses: [...losses, newError] },
  { api: 'AddOffsetsToTxn', protocols: ['v1'], losses: [...losses, newError] },
  { api: 'TxnOffsetCommit', protocols: ['v1', 'v2'], losses },
  { api: 'EndTxn', protocols: ['v1', 'v2'], losses: [...losses, newError] },
]

const commitAnswers: ConformanceCase[] = committing.map(({ api, protocols, losses: kinds }) => ({
  row: 'unknown',
  name: `requests and answers of ${api} are lost, late or cut, one by one`,
  protocols,
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, run =>
      behindProxy(run, site, async (proxy, worker) => {
        await run.untilRunning()
        const all = async () => {
          for (const { name, fault } of kinds) {
            const before = doubtsIn(worker)
            await inject(run, proxy, { api, ...fault }, name, faults)
            await run.until(20_000, `a commit is in doubt by ${api}: ${name}`, () => doubtsIn(worker) > before)
            await commitsGoOn(run, worker, `${api}: ${name}`)
          }
        }
        await run.writeUntil(all(), 60)
        await run.until(20_000, 'no doubt is left open', () => endedDoubts(worker) >= kinds.length)
      }),
    ),
}))

/** These two are asked when a partition is locked, and when a commit is in doubt: both are forced here. */
const lockAnswers: ConformanceCase[] = (['InitProducerId', 'OffsetFetch'] as const).map(api => ({
  row: 'lock',
  name: `requests and answers of ${api} are lost, late or cut, at the lock and in a reconcile`,
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, run =>
      behindProxy(run, site, async (proxy, worker) => {
        const kinds = api === 'InitProducerId' ? [...losses, newError] : losses
        const all = async () => {
          await run.untilRunning()
          for (const { name, fault } of kinds) {
            const before = proxy.hits.length
            proxy.lose({ api, ...fault, times: 1 })
            proxy.lose({ api: 'EndTxn', on: 'response', action: 'cut', times: 1 })
            await run.until(20_000, `${api}: ${name}`, () => proxy.hits.length >= before + 2)
            faults.add(`${api} in a reconcile: ${name}`)
            faults.add('EndTxn answer lost with its connection')
            const { committed } = worker.commits
            await run.until(30_000, 'commits go on', () => worker.commits.committed > committed + 4)
            await run.untilRunning()
          }
          await worker.kill()
          for (const { fault } of kinds) proxy.lose({ api, ...fault, times: 1 })
          const before = proxy.hits.length
          run.start({ brokers: proxy.brokers, requestTimeoutMs: REQUEST_TIMEOUT_MS })
          await run.until(60_000, `every loss of ${api} at the lock`, () => proxy.hits.length - before >= kinds.length)
          await run.untilRunning(60_000)
          faults.add('SIGKILL')
          faults.add(`${api} at the lock`, proxy.hits.length - before)
        }
        await run.writeUntil(all(), 60)
      }),
    ),
}))

const RANDOM_MS = 20_000

const random: ConformanceCase = {
  row: 'unknown',
  name: 'five of a hundred requests and answers of every kind are lost under load',
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, run =>
      behindProxy(run, site, async proxy => {
        await run.untilRunning()
        const apis = [...committing.map(({ api }) => api), 'InitProducerId', 'OffsetFetch', 'Heartbeat'] as const
        for (const api of apis) {
          for (const { fault } of losses) proxy.lose({ api, ...fault, probability: 0.05 / (losses.length / 2) })
        }
        await run.writeUntil(new Promise(resolve => setTimeout(resolve, RANDOM_MS)), 30)
        for (const hit of proxy.hits) faults.add(`${hit} at random`)
        if (proxy.hits.length < 10) throw new Error(`only ${proxy.hits.length} faults`)
      }),
    ),
}

/** Asked again and again while a task works; the requests of v1's transactions alone are in `committing`. */
const WORKING = ['Produce', 'TxnOffsetCommit', 'Fetch', 'Heartbeat'] as const
/** Asked when a process starts. */
const STARTING = ['FindCoordinator', 'JoinGroup', 'SyncGroup', 'OffsetFetch', 'ListOffsets', 'Metadata'] as const

/** Of Metadata only what asks for this topic: a code stands with a topic. kafkajs asks too, in another version. */
const saysCode = (topic: string) => (request: Buffer) =>
  request.readInt16BE(0) !== API.Metadata || (request.readInt16BE(2) === 7 && request.includes(topic))

const timesHit = (proxy: KafkaProxy, hit: string): number => proxy.hits.filter(one => one === hit).length

const unheardOf: ConformanceCase = {
  row: 'unknown',
  name: 'an error code that nobody has heard of, in every kind of answer: nothing is skipped, and it goes on',
  timeoutMs: 240_000,
  run: (site, faults) =>
    withChain(site, run =>
      behindProxy(run, site, async (proxy, first) => {
        const matches = saysCode(run.topics.input)
        const fault = { on: 'response', action: 'error', errorCode: UNHEARD_OF, matches } as const
        await run.untilRunning()
        const all = async () => {
          for (const api of WORKING) await suffer(run, proxy, first, { api, ...fault }, newError.name, faults)
          await suffer(run, proxy, first, { api: 'Fetch', ...fault, whole: true }, `${newError.name} for all`, faults)
          await first.kill()
          faults.add('SIGKILL')
          for (const api of STARTING) proxy.lose({ api, ...fault, times: 1 })
          proxy.lose({ api: 'OffsetFetch', ...fault, whole: true, times: 1 })
          const behind = { brokers: proxy.brokers, requestTimeoutMs: REQUEST_TIMEOUT_MS }
          const second = run.start(behind)
          await run.until(60_000, 'all have come', () => STARTING.every(api => proxy.hits.includes(`${api} response`)))
          for (const api of STARTING) faults.add(`${api} ${newError.name}`)
          await run.untilRunning(60_000)
          await run.until(10_000, 'OffsetFetch twice', () => timesHit(proxy, 'OffsetFetch response') > 1)
          faults.add(`OffsetFetch ${newError.name} for all`)

          proxy.lose({ api: 'LeaveGroup', ...fault, times: 1 })
          const end = await second.stop()
          if (end !== 0) throw new Error(`ended with ${end}: ${second.describe()}`)
          if (timesHit(proxy, 'LeaveGroup response') === 0) throw new Error('it has not left its group')
          faults.add(`LeaveGroup ${newError.name}`)
          run.start(behind)
          await run.untilRunning(60_000)
        }
        await run.writeUntil(all(), 60)
      }),
    ),
}

/** Says that all is well of a topic that nobody asked about, and nothing of the one that was; nothing was done. */
function sayNothing(run: ChainRun) {
  return (answer: Buffer): void => {
    for (const topic of [run.topics.input, run.topics.output, run.topics.changelog]) {
      const at = answer.indexOf(topic)
      if (at >= 0) answer.write('?', at)
    }
  }
}

const silent: ConformanceCase = {
  row: 'unknown',
  name: 'answers say that all is well, but nothing of what was asked, and nothing was done: never taken for a success',
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, run =>
      behindProxy(run, site, async (proxy, first) => {
        await run.untilRunning()
        const apis = ['TxnOffsetCommit', ...(site.protocol === 'v1' ? (['AddPartitionsToTxn'] as const) : [])] as const
        const all = async () => {
          for (const api of apis) {
            const before = proxy.hits.length
            proxy.lose({ api, on: 'request', action: 'refuse', errorCode: 0, damage: sayNothing(run) })
            await run.until(30_000, `${api} is answered by silence`, () => proxy.hits.length > before + 4)
            faults.add(`${api} silent`, proxy.hits.length - before)
            proxy.heal()
            const { committed } = first.commits
            await run.until(30_000, 'commits go on', () => first.commits.committed > committed + 4)
          }
          proxy.lose({ api: 'TxnOffsetCommit', on: 'request', action: 'refuse', errorCode: 0, damage: sayNothing(run) })
          const before = proxy.hits.length
          await run.until(30_000, 'silence before the end', () => proxy.hits.length > before + 4)
          // Outputs that were committed without their offset would come a second time from the next process.
          await first.kill()
          faults.add('TxnOffsetCommit silent', proxy.hits.length - before)
          faults.add('SIGKILL')
          proxy.heal()
          run.start({ brokers: proxy.brokers, requestTimeoutMs: REQUEST_TIMEOUT_MS })
          await run.untilRunning(60_000)
        }
        await run.writeUntil(all(), 60)
      }),
    ),
}

const NOT_LEADER_OR_FOLLOWER = 6
const NOT_COORDINATOR = 16
const CONCURRENT_TRANSACTIONS = 51

/** What a broker answers that has done nothing and is not, or not yet, the one to ask. */
const refusals: readonly { api: ApiName; protocols: readonly Site['protocol'][]; codes: readonly number[] }[] = [
  { api: 'Produce', protocols: ['v1', 'v2'], codes: [NOT_LEADER_OR_FOLLOWER, CONCURRENT_TRANSACTIONS] },
  { api: 'AddPartitionsToTxn', protocols: ['v1'], codes: [NOT_COORDINATOR, CONCURRENT_TRANSACTIONS] },
  { api: 'AddOffsetsToTxn', protocols: ['v1'], codes: [NOT_COORDINATOR, CONCURRENT_TRANSACTIONS] },
  { api: 'TxnOffsetCommit', protocols: ['v1', 'v2'], codes: [NOT_COORDINATOR, CONCURRENT_TRANSACTIONS] },
  { api: 'EndTxn', protocols: ['v1', 'v2'], codes: [NOT_COORDINATOR, CONCURRENT_TRANSACTIONS] },
]

const refused: ConformanceCase = {
  row: 'moved',
  name: 'a broker answers that another one leads, or that the transaction before is still being ended: same bytes, in place',
  timeoutMs: 180_000,
  run: (site, faults) =>
    withChain(site, run =>
      behindProxy(
        run,
        site,
        async (proxy, worker) => {
          await run.untilRunning()
          const all = async () => {
            for (const { api, codes } of refusals.filter(({ protocols }) => protocols.includes(site.protocol))) {
              for (const errorCode of codes) {
                const fault = { api, on: 'request', action: 'refuse', errorCode } as const
                await suffer(run, proxy, worker, fault, `refused with ${errorCode}`, faults)
              }
            }
          }
          await run.writeUntil(all(), 60)
          if (endedDoubts(worker) > 0) throw new Error(`a commit was in doubt: ${worker.describe()}`)
          if (worker.log.includes('commit in doubt')) throw new Error(worker.log)
        },
        // Nothing may be late here: a timeout of a slow machine leaves a commit in doubt.
        { requestTimeoutMs: 30_000 },
      ),
    ),
}

export const answerCases: readonly ConformanceCase[] = [
  ...commitAnswers,
  ...lockAnswers,
  unheardOf,
  silent,
  refused,
  random,
]
