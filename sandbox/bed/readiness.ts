import { setTimeout as sleep } from 'node:timers/promises'
import { probeCluster } from './clusterProbe.ts'
import { BedStartError } from './errors.ts'

const pollMs = 150

const poll = async (
  part: string,
  deadlineMs: number,
  signal: AbortSignal,
  probe: () => Promise<boolean>,
): Promise<void> => {
  const startedAtMs = Date.now()
  let lastError = 'no answer'
  while (!signal.aborted) {
    try {
      if (await probe()) return
    } catch (error) {
      lastError = error instanceof Error ? error.message : String(error)
    }
    if (Date.now() - startedAtMs > deadlineMs) {
      throw new BedStartError(part, `not ready after ${Math.round(deadlineMs / 1000)} s (${lastError})`)
    }
    await sleep(pollMs)
  }
}

/** Resolves when each of `brokers` (host:port, comma separated) sees all the others alive, and a controller. */
export const awaitKafka = (brokers: string, deadlineMs: number, signal: AbortSignal): Promise<void> => {
  const addresses = brokers.split(',')
  return poll('Kafka', deadlineMs, signal, async () => {
    const views = await Promise.all(addresses.map(address => probeCluster(address, 2000)))
    return views.every(view => view.liveBrokers === addresses.length && view.controllerId >= 0)
  })
}

/** Resolves when the registry behind `registryUrl` lists its subjects. */
export const awaitRegistry = (registryUrl: string, deadlineMs: number, signal: AbortSignal): Promise<void> =>
  poll('schema registry', deadlineMs, signal, async () => {
    const answer = await fetch(`${registryUrl}/subjects`, { signal: AbortSignal.timeout(2000) })
    await answer.arrayBuffer()
    return answer.ok
  })
