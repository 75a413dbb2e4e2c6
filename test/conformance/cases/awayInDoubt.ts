import { setTimeout as wait } from 'node:timers/promises'
import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import { API, KafkaProxy } from '../../support/kafkaProxy.ts'
import type { Fault } from '../../support/kafkaProxy.ts'
import type { ConformanceCase, Faults } from '../case.ts'
import { REQUEST_TIMEOUT_MS } from './behindProxy.ts'
import { withChain } from './chain.ts'

/** Long enough that a zombie's R1 would meet an open transaction of the heir. */
const OPEN_MS = 300
/** After a process has come back: whatever it does to its heir it does within this time. */
const BACK_MS = 4_000

async function untilBusy(run: ChainRun, worker: Worker): Promise<void> {
  await run.untilRunning()
  await run.until(20_000, 'it commits', () => worker.commits.committed > 5 * run.partitions)
}

/** The process that the group gives everything to while the first one is away, and under which it comes back. */
async function awaitHeir(run: ChainRun, first: Worker): Promise<Worker> {
  const heir = run.start({
    variant: first.settings.variant,
    stateDirectory: run.otherDirectory('heir'),
    fault: { does: 'wait', step: 'offset-committed', count: 1, waitMs: OPEN_MS },
  })
  await run.until(60_000, 'the heir runs everything', () => heir.running === run.partitions)
  await run.until(20_000, 'the heir commits', () => heir.commits.committed > run.partitions)
  return heir
}

/** Counts R1s that are written before the process is a member again: to the lock of somebody else, for all that it knows. */
function watchForR1(proxy: KafkaProxy): { readonly early: () => number } {
  let early = 0
  let isMember = false
  proxy.onRequest = request => {
    const api = request.readInt16BE(0)
    if (api === API.JoinGroup) isMember = true
    if (api === API.InitProducerId && !isMember && provesContinuity(request)) early++
  }
  return { early: () => early }
}

/** The request ends with producer id, epoch and no tagged fields; -1 asks for the lock. */
function provesContinuity(request: Buffer): boolean {
  return request.readBigInt64BE(request.length - 11) !== -1n
}

/** Commits that failed because somebody initialised the heir's transactional id. */
function fencings(heir: Worker): number {
  const lines = heir.log.split('\n').filter(line => line.includes('commit in doubt'))
  return lines.filter(line => /INVALID_PRODUCER_EPOCH|PRODUCER_FENCED|INVALID_TXN_STATE/.test(line)).length
}

/** `comeBack` lets the first one go on, and resolves at once. */
async function meet(
  run: ChainRun,
  proxy: KafkaProxy,
  first: Worker,
  heir: Worker,
  comeBack: () => void,
): Promise<void> {
  const before = fencings(heir)
  const watch = watchForR1(proxy)
  comeBack()
  await run.until(30_000, 'the group tells the first that it is no member', () => {
    return first.log.includes('the group has removed this member')
  })
  await wait(BACK_MS)
  if (watch.early() > 0) throw new Error(`${watch.early()} R1s without a word of the group: ${first.describe()}`)
  if (fencings(heir) > before) throw new Error(`the owner's commits were aborted: ${heir.describe()}`)
}

async function withProxy(run: ChainRun, brokers: string, body: (proxy: KafkaProxy) => Promise<void>): Promise<void> {
  const proxy = await KafkaProxy.start(brokers)
  try {
    await run.writeUntil(body(proxy), 60)
    await run.untilRunning(40_000)
    await run.expectExact()
    await run.stopAll()
  } finally {
    await proxy.stop()
  }
}

/** Where EndTxn is while the process stops; it arrives when the heir works. */
const underWay: readonly { readonly name: string; readonly fault: Omit<Fault, 'api'> }[] = [
  { name: 'its request arrives when an heir works', fault: { on: 'request', action: 'hold' } },
  { name: 'its answer is there when it comes back', fault: { on: 'response', action: 'hold' } },
  { name: 'its answer is lost with the connection', fault: { on: 'response', action: 'swallow' } },
]

const stopped = underWay.map(({ name, fault }): ConformanceCase => ({
  row: 'R0',
  name: `a process stops while EndTxn is under way, for longer than its session: ${name}`,
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, run =>
      withProxy(run, site.brokers, async proxy => {
        const first = run.start({ brokers: proxy.brokers })
        await untilBusy(run, first)
        proxy.lose({ api: 'EndTxn', ...fault, times: 1 })
        await run.until(10_000, 'EndTxn is under way', () => proxy.hits.length > 0)
        first.process.kill('SIGSTOP')
        faults.add('SIGSTOP beyond the session, EndTxn under way')
        const heir = await awaitHeir(run, first)
        await meet(run, proxy, first, heir, () => {
          if (fault.action === 'swallow') proxy.partition()
          proxy.heal()
          first.process.kill('SIGCONT')
        })
      }),
    ),
}))

/** R0 is over and R1 is sent when the network goes; it comes back after the group has given the partitions to another. */
const cutOff = (['committed', 'not committed'] as const).map((truth): ConformanceCase => ({
  row: 'R0',
  name: `the network is cut for longer than the session while R1 of a cycle that has ${truth} is under way: R0 again before it is repeated`,
  timeoutMs: 120_000,
  run: (site, faults) =>
    withChain(site, run =>
      withProxy(run, site.brokers, async proxy => {
        const first = run.start({ brokers: proxy.brokers, requestTimeoutMs: REQUEST_TIMEOUT_MS })
        await untilBusy(run, first)
        await loseR1(run, proxy, truth, faults)
        proxy.partition()
        faults.add('network cut beyond the session')
        const heir = await awaitHeir(run, first)
        await meet(run, proxy, first, heir, () => proxy.heal())
        if (first.commits.lost === 0) throw new Error(`no cycle was lost: ${first.describe()}`)
      }),
    ),
}))

async function loseR1(run: ChainRun, proxy: KafkaProxy, truth: 'committed' | 'not committed', faults: Faults) {
  const on = truth === 'committed' ? 'response' : 'request'
  proxy.lose({ api: 'InitProducerId', on: 'request', action: 'swallow' })
  proxy.lose({ api: 'EndTxn', on, action: 'swallow' })
  await run.until(20_000, 'R1 is under way', () => proxy.hits.includes('InitProducerId request'))
  faults.add(`EndTxn ${on} lost`, proxy.hits.filter(hit => hit.startsWith('EndTxn')).length)
}

export const awayInDoubtCases: readonly ConformanceCase[] = [...stopped, ...cutOff]
