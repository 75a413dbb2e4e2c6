import { AuthenticationFailedError, CorruptBatchError, KafkaError, ProducerStateError } from '../kafka/errors.ts'
import { isConnectionFailure } from '../kafka/retry.ts'

/**
 * How a task can end. `code` is stable: it stands in logs, `/readyz` and `docs/`. `retry` says what the engine does by
 * itself: `reopen` = open the task again with back-off while it is still assigned; `never` = wait for an operator.
 */
export class TaskError extends Error {
  override readonly name: string = 'TaskError'
  readonly code: string
  readonly retry: 'reopen' | 'never'

  constructor(code: string, message: string, options: { retry: 'reopen' | 'never'; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retry = options.retry
  }
}

/** Somebody else owns the partition now: everything in memory is worthless and is dropped. Not a defect. */
export class OwnershipLostError extends TaskError {
  override readonly name = 'OwnershipLostError'

  constructor(message: string, cause?: unknown) {
    super('OWNERSHIP_LOST', message, { retry: 'reopen', cause })
  }
}

/** A processor's callback threw: a defect in the role's code, or state that it cannot read. */
export class ProcessorFailedError extends TaskError {
  override readonly name = 'ProcessorFailedError'

  constructor(where: string, cause: unknown) {
    const detail = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    super(
      'PROCESSOR_FAILED',
      `${where} failed: ${detail}. Nothing of this cycle was committed; it is tried again, and the developers of onfile must mend it.`,
      {
        retry: 'reopen',
        cause,
      },
    )
  }
}

/** `why` is what the broker answered. */
export function commitRefusedError(topic: string, partition: number, why: string, cause: unknown): TaskError {
  return new TaskError(
    'COMMIT_REFUSED',
    `${topic}-${partition}: the broker refuses this commit (${why}). Nothing was committed; the owner of the cluster must ` +
      'grant the rights or raise the limit that it names, or the operator set the clock, where it names that. It is tried again.',
    { retry: 'reopen', cause },
  )
}

/** The committed offset is no longer in the input topic: records were deleted before they were read. */
export function inputTruncatedError(topic: string, partition: number, cause: unknown): TaskError {
  return new TaskError(
    'INPUT_TRUNCATED',
    `${topic}-${partition}: the committed offset is no longer in the topic; retention deleted records that were never ` +
      'processed. Nothing is skipped silently: the owner of the topic must decide, and then move the group offset by hand.',
    { retry: 'never', cause },
  )
}

export function offsetMissingError(topic: string, partition: number, changelog: string): TaskError {
  return new TaskError(
    'OFFSET_MISSING',
    `${topic}-${partition}: the group has no committed offset, yet ${changelog}-${partition} holds state: the offset was ` +
      'deleted or has expired. The operator must restore the offset of the group; only the owner of the data may decide to ' +
      'delete the changelog and start anew. Nothing is done by itself.',
    { retry: 'never' },
  )
}

export function changelogLostError(changelog: string, partition: number, end: number, committedEnd: number): TaskError {
  return new TaskError(
    'CHANGELOG_LOST',
    `${changelog}-${partition} ends at ${end}, yet what was committed reaches to ${committedEnd}: the topic was created anew ` +
      'or has lost records, and with them state (opt-outs, attempts, timers). The owner of the cluster must restore the topic. ' +
      "Only if its state is meant to be lost the operator moves the group's offset by hand: that is taken as the decision. " +
      'Nothing is done by itself.',
    { retry: 'never' },
  )
}

export function beginningLostError(changelog: string, partition: number, start: number, accepted: number): TaskError {
  return new TaskError(
    'CHANGELOG_LOST',
    `${changelog}-${partition} begins at ${start}, yet its state was written from ${accepted} on and no usable local store ` +
      'reaches that far: its first records were deleted (DeleteRecords, or a cleanup.policy with delete), and with them ' +
      'opt-outs, attempts and timers. Whoever deletes them must stop. The operator must start it where the local store is ' +
      'whole, or the owner of the cluster restore the topic. Only if what is left shall count as the state the operator ' +
      "moves the group's offset by hand, to where it is: that is taken as the decision. Nothing is done by itself.",
    { retry: 'never' },
  )
}

export function stateTooNewError(where: string, found: number, supported: number): TaskError {
  return new TaskError(
    'STATE_TOO_NEW',
    `${where} was written by a newer release (state version ${found}, this release reads up to ${supported}). ` +
      'The operator must deploy that release again; this one touches nothing.',
    { retry: 'never' },
  )
}

export function stateAheadError(where: string, position: number, end: number): TaskError {
  return new TaskError(
    'STATE_AHEAD_OF_CHANGELOG',
    `${where}: the local store is at ${position} but the changelog ends at ${end}: the topic was re-created or lost ` +
      'records. If it was re-created on purpose, the operator deletes this directory; else the owner of the cluster must ' +
      'restore the topic first.',
    { retry: 'never' },
  )
}

export function partitionMismatchError(
  input: string,
  inputCount: number,
  other: string,
  otherCount: number,
): TaskError {
  return new TaskError(
    'PARTITIONS_MISMATCH',
    `${other} has ${otherCount} partitions and ${input} has ${inputCount}: they must be equal, because a task writes to ` +
      'its own number in all of them. Whoever changed the count must re-create the topic with the old one.',
    { retry: 'never' },
  )
}

export function membershipFailedError(groupId: string, cause: Error): TaskError {
  return new TaskError(
    'MEMBERSHIP_FAILED',
    `The membership in group ${groupId} has ended by a defect of this program (${cause.message}). The role gives its partitions ` +
      'up and stops here; the operator must restart the process, and report it with its log to the developers of onfile.',
    { retry: 'never', cause },
  )
}

export function instanceFencedError(groupId: string, instanceId: string): TaskError {
  return new TaskError(
    'INSTANCE_FENCED',
    `Another process uses the group instance id ${instanceId} in ${groupId}: this one stops. ` +
      'Give every instance its own kafka.groupInstanceId: the operator must set it.',
    { retry: 'never' },
  )
}

/** What ends a role and was foreseen by nobody. */
export function roleFailedError(cause: unknown): TaskError {
  return new TaskError(
    'ROLE_FAILED',
    `${String(cause)}. The role gives its partitions up and stops here; the operator must restart the process, and report ` +
      'it with its log to the developers of onfile.',
    { retry: 'never', cause },
  )
}

export function drainOverrunError(topic: string, partition: number): TaskError {
  return new TaskError(
    'DRAIN_OVERRUN',
    `${topic}-${partition}: the last commit did not end within the drain deadline. The next owner finds out whether it ` +
      'holds; nothing is lost.',
    { retry: 'reopen' },
  )
}

export function restoreStuckError(
  topic: string,
  partition: number,
  place: { readonly position: number; readonly until: number; readonly noProgressMs: number },
  cause: Error | undefined,
): TaskError {
  const { position, until, noProgressMs } = place
  const why =
    cause === undefined ? 'an open transaction of another producer, or a leader that does not answer' : cause.message
  return new TaskError(
    'RESTORE_STUCK',
    `${topic}-${partition}: restore is at ${position} of ${until} and has not moved for ${noProgressMs} ms (${why}). ` +
      'It is tried again; the owner of the cluster must look at the broker that leads this partition.',
    { retry: 'reopen', cause },
  )
}

export function storeUnwritableError(directory: string, waitingBytes: number, cause: unknown): TaskError {
  return new TaskError(
    'STORE_UNWRITABLE',
    `${directory} takes no write, and more than ${waitingBytes} bytes of committed changes wait: the volume of state.dir is ` +
      'full or broken. The operator must free or mend it; nothing is lost: the state is in the changelog. It is tried again.',
    { retry: 'reopen', cause },
  )
}

/** What a file system says of its volume: full, quota or file size used up, read-only, broken. No connection fails so. */
const VOLUME_CODES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO'])

function volumeError(topic: string, partition: number, cause: Error): TaskError {
  return new TaskError(
    'STORE_UNWRITABLE',
    `${topic}-${partition}: the volume of state.dir fails (${cause.message}). The operator must free or mend it; nothing is ` +
      'lost: the state is in the changelog. It is tried again.',
    { retry: 'reopen', cause },
  )
}

const OFFSET_OUT_OF_RANGE = 1

/** A position in the changelog that is no more is looked for anew when the task opens again; any other failure stays as it is. */
export function changelogMovedError(changelog: string, partition: number, failure: Error): Error {
  if (!(failure instanceof KafkaError) || failure.errorCode !== OFFSET_OUT_OF_RANGE) return failure
  return new TaskError(
    'CHANGELOG_MOVED',
    `${changelog}-${partition}: its start moved past the position of the restore. It is looked at anew; whoever ` +
      'deletes records of this topic must stop: it is compacted, and nothing else.',
    { retry: 'reopen', cause: failure },
  )
}

/** Whatever ended a task, as its error. */
export function toTaskError(topic: string, partition: number, error: unknown): TaskError {
  if (error instanceof TaskError) return error
  // It names its own topic and partition: that of the changelog may be another one. Read again, never past it.
  if (error instanceof CorruptBatchError) {
    return new TaskError('CORRUPT_BATCH', error.message, { retry: 'reopen', cause: error })
  }
  if (error instanceof KafkaError && error.errorCode === OFFSET_OUT_OF_RANGE) {
    return inputTruncatedError(topic, partition, error)
  }
  const detail = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'TASK_FAILED'
  if (error instanceof Error && VOLUME_CODES.has(code)) return volumeError(topic, partition, error)
  return new TaskError(code, `${topic}-${partition}: ${detail}${remedyOf(error)}`, { retry: 'reopen', cause: error })
}

/** Who must act where the error itself does not say so; the classes of this software do, but for these. */
function remedyOf(error: unknown): string {
  if (error instanceof AuthenticationFailedError) return ''
  if (isConnectionFailure(error))
    return '. It is tried again; while this lasts, the owner of the cluster must look at its brokers.'
  const isDefect = !(error instanceof Error) || !('code' in error) || error instanceof ProducerStateError
  if (isDefect) return '. It is tried again; this is a defect of onfile, and its developers must mend it.'
  if ('syscall' in error) return '. It is tried again; the operator must mend what the system refuses.'
  return ''
}
