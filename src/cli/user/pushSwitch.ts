import type { Cluster } from '../../kafka/cluster.ts'
import { TopicFollower } from '../../kafka/topicFollower.ts'
import { readControl } from '../../processors/control.ts'
import type { ControlRecord, SwitchOrder } from '../../processors/control.ts'
import { partitionsOf, TopicMissingError } from '../order/topicMissing.ts'

/** The global stop of pushes, as the processes of PROVISION and SWITCHER read it. */
export type PushSwitchState =
  | { readonly kind: 'running' }
  | { readonly kind: 'paused'; readonly order: SwitchOrder }
  /** `why`: a sentence's end, for a person. */
  | { readonly kind: 'unknown'; readonly why: string }

/** A story without it is worth more than none. */
const WITHIN_MS = 10_000

/**
 * Reads the switch from the control topic, as the roles do: all of it, open transactions included, because a stop must not
 * wait for the end of one. What cannot be read (no such topic, no right) is `unknown`; it rejects when the signal aborts.
 */
export async function readPushSwitch(cluster: Cluster, topic: string, signal: AbortSignal): Promise<PushSwitchState> {
  try {
    await partitionsOf(cluster, topic)
  } catch (error) {
    if (error instanceof TopicMissingError) return { kind: 'unknown', why: `${topic} is not there, or not to be read` }
    throw error
  }
  let newest: ControlRecord | null = null
  const { promise: read, resolve, reject } = Promise.withResolvers<null>()
  const follower = new TopicFollower({
    cluster,
    topic,
    onRecord: record => {
      const said = readControl(record)
      if (said.kind === 'switch' || said.kind === 'switch_unreadable') newest = said
    },
    onRestart: () => (newest = null),
    onChecked: () => {
      if (follower.readUpToMs > 0) resolve(null)
    },
  })
  const late = setTimeout(resolve, WITHIN_MS, null)
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  follower.start()
  try {
    await read
    return follower.readUpToMs > 0
      ? stateOf(newest)
      : { kind: 'unknown', why: follower.problem ?? 'it does not answer' }
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', onAbort)
    await follower.close()
  }
}

function stateOf(newest: ControlRecord | null): PushSwitchState {
  if (newest?.kind === 'switch_unreadable') {
    const why = `the switch at offset ${newest.offset} cannot be read, so pushes wait for onfile pause or onfile resume`
    return { kind: 'unknown', why }
  }
  return newest?.kind === 'switch' && newest.order.pushes === 'paused'
    ? { kind: 'paused', order: newest.order }
    : { kind: 'running' }
}
