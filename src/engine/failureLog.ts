import type { Logger } from 'pino'
import type { TopicPartition } from '../kafka/groupMember.ts'
import type { TaskError } from './errors.ts'

/** A cause that has not come back for so long, and comes back then, is news again. The longest back-off is 30 s. */
const SAME_CAUSE_MS = 10 * 60_000

/**
 * Why tasks end, in the log: each cause once as `error`, which is what wakes somebody, and at each opening that meets it
 * again as `warn`, with `times`. Another code or another text is another cause.
 */
export class FailureLog {
  private readonly log: Logger
  private readonly nowMs: () => number
  private readonly last = new Map<string, { cause: string; times: number; atMs: number }>()

  /** `nowMs` is monotonic. */
  constructor(log: Logger, nowMs: () => number = () => performance.now()) {
    this.log = log
    this.nowMs = nowMs
  }

  failed({ topic, partition }: TopicPartition, error: TaskError): void {
    const { code } = error
    const fields = { topic, partition, code, err: error }
    if (code === 'OWNERSHIP_LOST') {
      this.log.info(fields, 'partition was taken over by another instance')
      return
    }
    const id = `${topic}-${partition}`
    const atMs = this.nowMs()
    const before = this.last.get(id)
    // One code may stand for many defects; offsets and sizes in its text make no other one.
    const cause = `${code} ${error.message.replace(/\d+/g, '#')}`
    const times = before?.cause === cause && atMs - before.atMs < SAME_CAUSE_MS ? before.times + 1 : 1
    this.last.set(id, { cause, times, atMs })
    if (times === 1) this.log.error(fields, error.message)
    else this.log.warn({ ...fields, times }, error.message)
  }

  /** The partition has left: what it meets when it comes back is news. */
  moved({ topic, partition }: TopicPartition): void {
    this.last.delete(`${topic}-${partition}`)
  }
}
