import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { Committer } from '../../../src/engine/commit.ts'
import { Cycle } from '../../../src/engine/cycle.ts'
import { OwnershipLostError } from '../../../src/engine/errors.ts'
import { ConnectionLostError, OutcomeUnknownError } from '../../../src/kafka/errors.ts'
import type { OffsetToCommit } from '../../../src/kafka/requests/transactions.ts'
import type { TransactionalProducer } from '../../../src/kafka/transaction.ts'

const BEFORE = { offset: 10, metadata: 'cycle=6 changelog=30 owner=7001:2' }

/** The first commit is in doubt; R1 is granted; R2 finds what the test says of what was sent. */
class FakeProducer {
  readonly sent: OffsetToCommit[] = []
  private readonly found: (sent: OffsetToCommit) => { offset: number; metadata: string }

  constructor(found: (sent: OffsetToCommit) => { offset: number; metadata: string }) {
    this.found = found
  }

  commit(_rounds: unknown, offset: OffsetToCommit): Promise<ReadonlyMap<string, number>> {
    this.sent.push(offset)
    if (this.sent.length > 1) return Promise.resolve(new Map())
    const lost = new ConnectionLostError('b', 'the connection ended')
    return Promise.reject(new OutcomeUnknownError('tx', 'produce', lost))
  }

  proveContinuity(): Promise<void> {
    return Promise.resolve()
  }

  committedOffset(): Promise<{ offset: number; metadata: string }> {
    return Promise.resolve(this.found(this.sent[0]!))
  }
}

function committerOf(producer: FakeProducer): Committer {
  return new Committer(
    {
      producer: producer as unknown as TransactionalProducer,
      topic: 'in',
      partition: 0,
      owner: '7001:3',
      changelogStart: 0,
      membership: () => ({ groupId: 'g', generation: 1, memberId: 'm', instanceId: null }),
      signal: new AbortController().signal,
      log: pino({ enabled: false }),
      onWaiting: () => undefined,
      onStep: undefined,
    },
    BEFORE,
  )
}

function cycle(): Cycle<unknown> {
  const cycle = new Cycle<unknown>()
  cycle.number = 7
  cycle.changelogEnd = 31
  cycle.endOffset = 12
  return cycle
}

describe('a commit in doubt whose lock is still ours', () => {
  it('is found committed where its own offset and mark stand', async () => {
    const producer = new FakeProducer(({ offset, metadata }) => ({ offset, metadata }))
    expect((await committerOf(producer).commit(cycle())).verdict).toBe('found-committed')
    expect(producer.sent.length).toBe(1)
  })

  it('is sent again where the cycle before stands', async () => {
    const producer = new FakeProducer(() => BEFORE)
    expect((await committerOf(producer).commit(cycle())).verdict).toBe('resent')
    expect(producer.sent[1]).toEqual(producer.sent[0])
  })

  // Cut off between R1 and R2: the heir's first cycle has the same number, end and changelog as the one in doubt.
  it.each([
    ['of an heir', ' owner=7001:4'],
    ['of an heir of an earlier build', ''],
  ])('is lost where the same cycle stands, %s', async (_who, owner) => {
    const producer = new FakeProducer(({ offset }) => ({ offset, metadata: `cycle=7 changelog=31${owner}` }))
    await expect(committerOf(producer).commit(cycle())).rejects.toThrow(OwnershipLostError)
    expect(producer.sent.length).toBe(1)
  })

  it('is lost where somebody moved the offset', async () => {
    const producer = new FakeProducer(() => ({ offset: 3, metadata: '' }))
    await expect(committerOf(producer).commit(cycle())).rejects.toThrow('somebody moved it')
  })
})
