import type { ChainRun, Worker } from '../../support/chain/harness.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import type { Fault } from '../../support/kafkaProxy.ts'
import type { Faults, Site } from '../case.ts'

/** Short, so that an answer can be late. */
export const REQUEST_TIMEOUT_MS = 1_500

/** Starts a proxy and a worker behind it; counts what the proxy did. */
export async function behindProxy(
  run: ChainRun,
  site: Site,
  body: (proxy: KafkaProxy, worker: Worker) => Promise<void>,
  settings: Parameters<ChainRun['start']>[0] = {},
): Promise<void> {
  const proxy = await KafkaProxy.start(site.brokers)
  try {
    const behind = { brokers: proxy.brokers, requestTimeoutMs: REQUEST_TIMEOUT_MS, ...settings }
    await body(proxy, run.start(behind))
    proxy.heal()
    await run.expectExact()
    await run.stopAll()
  } finally {
    await proxy.stop()
  }
}

/** Injects one loss and waits until it has happened. */
export async function inject(
  run: ChainRun,
  proxy: KafkaProxy,
  fault: Fault,
  name: string,
  faults: Faults,
): Promise<void> {
  const before = proxy.hits.length
  proxy.lose({ ...fault, times: 1 })
  await run.until(20_000, `${fault.api}: ${name}`, () => proxy.hits.length > before)
  faults.add(`${fault.api} ${name}`)
}

/** Waits for some commits from now on. */
export async function commitsGoOn(run: ChainRun, worker: Worker, after: string): Promise<void> {
  const { committed } = worker.commits
  await run.until(20_000, `commits after ${after}`, () => worker.commits.committed > committed + 4)
}

/** Both. */
export async function suffer(
  run: ChainRun,
  proxy: KafkaProxy,
  worker: Worker,
  fault: Fault,
  name: string,
  faults: Faults,
): Promise<void> {
  await inject(run, proxy, fault, name, faults)
  await commitsGoOn(run, worker, `${fault.api}: ${name}`)
}

/** How often the worker said that a commit is in doubt. */
export const doubtsIn = ({ log }: Worker): number => log.split('"commit in doubt"').length - 1

/** How many commits were in doubt. Brokers before 4.0 refuse R1 while the transaction is open: lost, and opened anew. */
export function endedDoubts({ commits }: Worker): number {
  return commits.resent + commits['found-committed'] + commits.lost
}
