import { describe, expect, it } from 'vitest'
import * as errors from '../../../src/engine/errors.ts'
import { TaskError, toTaskError } from '../../../src/engine/errors.ts'
import {
  AuthenticationFailedError,
  ConnectionLostError,
  CorruptBatchError,
  KafkaError,
  ProducerStateError,
  ProtocolError,
  RequestTimedOutError,
} from '../../../src/kafka/errors.ts'
import { StoreDamagedError } from '../../../src/store/errors.ts'

/** The words by which an operator sees whose turn it is. */
const ACTOR =
  /\b(the operator|the owner of [a-z ]+|the developers of onfile|its developers|whoever [a-z ]+)\b[^.]*\b(must|decide[sd]?|moves?|deletes?)\b/i

function failure(code: string, message: string, syscall?: string): Error {
  return Object.assign(new Error(message), { code, ...(syscall === undefined ? {} : { syscall }) })
}

const CAUSE = failure('X', 'what was found')
const OUT_OF_RANGE = new KafkaError('Fetch', 1, 'log-3')

/** What each factory makes, by its name. */
const made: Readonly<Record<string, () => Error>> = {
  inputTruncatedError: () => errors.inputTruncatedError('cards', 3, CAUSE),
  offsetMissingError: () => errors.offsetMissingError('cards', 3, 'log'),
  changelogLostError: () => errors.changelogLostError('log', 3, 5, 9),
  beginningLostError: () => errors.beginningLostError('log', 3, 5, 0),
  stateTooNewError: () => errors.stateTooNewError('log-3', 7, 6),
  stateAheadError: () => errors.stateAheadError('/state/cards-3', 9, 5),
  partitionMismatchError: () => errors.partitionMismatchError('cards', 3, 'log', 4),
  membershipFailedError: () => errors.membershipFailedError('onfile-decide', CAUSE),
  instanceFencedError: () => errors.instanceFencedError('onfile-decide', 'pod-0'),
  roleFailedError: () => errors.roleFailedError(CAUSE),
  restoreStuckError: () => errors.restoreStuckError('log', 3, { position: 1, until: 9, noProgressMs: 5 }, CAUSE),
  storeUnwritableError: () => errors.storeUnwritableError('/state/cards-3', 1_000, CAUSE),
  changelogMovedError: () => errors.changelogMovedError('log', 3, OUT_OF_RANGE),
  commitRefusedError: () => errors.commitRefusedError('cards', 3, 'Produce was answered 29', CAUSE),
  ProcessorFailedError: () => new errors.ProcessorFailedError('onRecord for cards-3@7', CAUSE),
}

/** Nobody need act: another instance goes on. */
const NOBODY: ReadonlySet<string> = new Set(['TaskError', 'OwnershipLostError', 'drainOverrunError'])

describe('every way in which a task ends by itself', () => {
  it('is in this table', () => {
    const factories = Object.keys(errors).filter(name => name !== 'toTaskError' && !NOBODY.has(name))
    expect(factories.sort()).toEqual(Object.keys(made).sort())
  })

  it.each(Object.entries(made))('names its place, what happened and who must act: %s', (_name, make) => {
    const error = make()
    expect(error).toBeInstanceOf(TaskError)
    expect(error.message).toMatch(/cards|log|onfile-decide|what was found/)
    expect(error.message).toMatch(ACTOR)
  })

  it.each<[string, unknown]>([
    ['a code of the broker that nobody has heard of', new KafkaError('Fetch', 999, 'cards-3')],
    ['a broker without a disk', new KafkaError('Fetch', 56, 'cards-3')],
    ['a refused right', new KafkaError('InitProducerId', 53, 'tx')],
    ['a connection that broke', new ConnectionLostError('b:9092', 'the connection ended')],
    ['no answer', new RequestTimedOutError('b:9092', 'Fetch', 30_000)],
    ['an answer that is none', new ProtocolError('a varint is longer than five bytes')],
    ['a damaged batch', new CorruptBatchError('cards-3', 7, 'has a wrong checksum')],
    ['a damaged store', new StoreDamagedError('/state/cards-3/00000001.log', 9, 'no page')],
    ['a full volume', failure('ENOSPC', 'ENOSPC: no space left on device, write', 'write')],
    ['a file that may not grow', failure('EFBIG', 'EFBIG: file too large, write', 'write')],
    ['a directory of somebody else', failure('EACCES', 'EACCES: permission denied, open', 'open')],
    ['a defect', new TypeError('x is not a function')],
    ['a defect in the order of calls', new ProducerStateError('Commit of tx while it is new')],
    ['no error at all', 'thrown text'],
  ])('says who must act at %s', (_what, error) => {
    expect(toTaskError('cards', 3, error).message).toMatch(ACTOR)
  })

  it('says where to look when the broker refused the authentication', () => {
    const refused = new AuthenticationFailedError('b:9092', new Error('no'), 'kafka.sasl')
    expect(toTaskError('cards', 3, refused).message).toContain('check kafka.sasl with the owner of the cluster')
  })
})

describe('what ends a task', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO'])(
    'says whose volume it is where the local store cannot be opened or refilled: %s',
    code => {
      const error = toTaskError('cards', 3, failure(code, `${code}: no space left on device, write`))
      expect(error).toMatchObject({ code: 'STORE_UNWRITABLE', retry: 'reopen' })
      expect(error.message).toMatch(/^cards-3: the volume of state\.dir fails \(E\w+: no space .*The operator must/)
    },
  )

  it('keeps the code of any other failure, and a task error as it is', () => {
    expect(toTaskError('cards', 3, failure('KAFKA_FENCED', 'x')).code).toBe('KAFKA_FENCED')
    expect(toTaskError('cards', 3, new Error('x')).code).toBe('TASK_FAILED')
    const known = new TaskError('RESTORE_STUCK', 'x', { retry: 'reopen', cause: failure('EIO', 'x') })
    expect(toTaskError('cards', 3, known)).toBe(known)
  })
})
