import type { Logger } from 'pino'
import type { RoleStatus, TaskStatus } from '../../engine/status.ts'

export interface ShutdownWatchOptions {
  /** `shutdown.deadline`. */
  readonly deadlineMs: number
  readonly log: Logger
  /** What has not ended yet, in words. */
  readonly unfinished: () => readonly string[]
  /** Ends the process, whatever hangs. */
  readonly leave: () => void
}

/**
 * The end of a shutdown that does not end: at the deadline it says what hangs and leaves. Otherwise the platform would
 * kill the process some time later, and nobody would know why. Nothing is lost by it: what is not committed was never
 * shown to anybody.
 */
export class ShutdownWatch {
  readonly #options: ShutdownWatchOptions
  #timer: NodeJS.Timeout | null = null

  constructor(options: ShutdownWatchOptions) {
    this.#options = options
  }

  /** The time begins; a second call changes nothing. */
  begin(): void {
    this.#timer ??= setTimeout(() => this.#end(), this.#options.deadlineMs)
  }

  /** Everything has ended. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #end(): void {
    const { deadlineMs, log, unfinished, leave } = this.#options
    log.fatal(
      { code: 'SHUTDOWN_OVERRUN', unfinished: unfinished() },
      `shutdown.deadline (${deadlineMs / 1_000} s) is over and this has not ended: ${unfinished().join('; ')}. Leaving at ` +
        'once: the next owner continues from the last commit. Whoever runs onfile should look at what is named, and at ' +
        'the volume of state.dir',
    )
    leave()
  }
}

/** What is looked at of a role. */
export interface StoppingRole extends Pick<RoleStatus, 'role' | 'state'> {
  readonly tasks: readonly Pick<TaskStatus, 'topic' | 'partition' | 'state' | 'effectsInFlight' | 'waiting'>[]
}

/** The partitions of a role that are not given up yet, or the role itself. */
export function unfinishedOf({ role, state, tasks }: StoppingRole): string[] {
  const open = tasks.filter(task => task.state !== 'closed' && task.state !== 'failed' && task.state !== 'fenced')
  if (open.length === 0) return [`role ${role} (${state}): the end of its connections, or of its files`]
  return open.map(({ topic, partition, state: taskState, effectsInFlight, waiting }) => {
    const calls = effectsInFlight === 0 ? '' : `, ${effectsInFlight} calls under way`
    return `role ${role}, ${topic}-${partition} (${taskState}${calls}${waiting === null ? '' : `, waits: ${waiting.reason}`})`
  })
}
