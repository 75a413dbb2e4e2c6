import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { Committer } from '../../../src/engine/commit.ts'
import { Cycle } from '../../../src/engine/cycle.ts'
import { cycleMarkOf } from '../../../src/engine/cycleMark.ts'
import { OwnershipLostError } from '../../../src/engine/errors.ts'
import { ConnectionLostError, KafkaError, OutcomeUnknownError } from '../../../src/kafka/errors.ts'
import type { TransactionStep } from '../../../src/kafka/errors.ts'
import type { OffsetToCommit } from '../../../src/kafka/requests/transactions.ts'
import type { TransactionalProducer } from '../../../src/kafka/transaction.ts'

const BEFORE = { offset: 10, metadata: 'cycle=6 changelog=30 owner=7001:2' }

const CHANGES = 10
/** Where the changelog ends before the cycle. */
const END = 100

/** How an attempt ends: before its records are answered, before its offset is, or with the transaction itself. */
type Outcome = 'unanswered' | 'not taken' | 'aborted' | 'committed, not answered' | 'committed' | KafkaError

/**
 * A broker with one changelog partition, which puts a marker behind each transaction, and the group's offset. `outcomes`
 * are those of the attempts, one after the other, then 'committed'. R1 is granted.
 */
class FakeProducer {
  readonly outcomes: Outcome[]
  readonly sent: OffsetToCommit[] = []
  logEnd = END
  /** The group's offset; where the test sets it, R2 finds that. */
  found: { offset: number; metadata: string } = BEFORE
  /** Before R2. */
  onReconcile: (sent: OffsetToCommit) => void = () => undefined
  private readonly changes: number

  constructor(outcomes: Outcome[], changes = CHANGES) {
    this.outcomes = outcomes
    this.changes = changes
  }

  commit(
    _rounds: unknown,
    offsetOf: (nextOffsets: ReadonlyMap<string, number>) => OffsetToCommit,
  ): Promise<ReadonlyMap<string, number>> {
    const outcome = this.outcomes.shift() ?? 'committed'
    if (outcome instanceof KafkaError) return inDoubt('produce', outcome)
    const next = this.logEnd + this.changes
    if (this.changes > 0) this.logEnd = next + 1
    if (outcome === 'unanswered') return inDoubt('produce')
    const nextOffsets = new Map(this.changes > 0 ? [['log/3', next]] : [])
    const offset = offsetOf(nextOffsets)
    if (outcome === 'not taken') return inDoubt('commit-offset')
    this.sent.push(offset)
    if (outcome === 'aborted') return inDoubt('end-transaction')
    this.found = { offset: offset.offset, metadata: offset.metadata }
    return outcome === 'committed' ? Promise.resolve(nextOffsets) : inDoubt('end-transaction')
  }

  proveContinuity(): Promise<void> {
    return Promise.resolve()
  }

  committedOffset(): Promise<{ offset: number; metadata: string }> {
    if (this.sent.length > 0) this.onReconcile(this.sent.at(-1)!)
    return Promise.resolve(this.found)
  }

  get committedEnd(): number {
    return cycleMarkOf(this.found.metadata).changelogEnd
  }
}

function inDoubt(step: TransactionStep, cause: Error = new ConnectionLostError('b', 'it ended')): Promise<never> {
  return Promise.reject(new OutcomeUnknownError('tx', step, cause))
}

function committerOf(producer: FakeProducer): Committer {
  return new Committer(
    {
      producer: producer as unknown as TransactionalProducer,
      topic: 'in',
      partition: 3,
      owner: '7001:3',
      changelog: 'log',
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

function cycle(number = 7, changelogBefore = END, changes = CHANGES): Cycle<unknown> {
  const cycle = new Cycle<unknown>()
  cycle.number = number
  cycle.changelogBefore = changelogBefore
  cycle.endOffset = 5 + number
  for (let i = 0; i < changes; i++) cycle.changedSlots.push(i)
  return cycle
}

describe('a commit in doubt whose lock is still ours', () => {
  it('is found committed where its own offset and mark stand', async () => {
    const producer = new FakeProducer(['committed, not answered'])
    const { verdict, changelogPosition } = await committerOf(producer).commit(cycle())
    expect([verdict, changelogPosition, producer.sent.length]).toEqual(['found-committed', END + CHANGES, 1])
  })

  it('is sent again where the cycle before stands', async () => {
    const producer = new FakeProducer(['aborted'])
    expect((await committerOf(producer).commit(cycle())).verdict).toBe('resent')
    expect(producer.sent.map(({ offset }) => offset)).toEqual([12, 12])
  })

  // Cut off between R1 and R2: the heir's first cycle has the same number, end and changelog as the one in doubt.
  it.each([
    ['of an heir', ' owner=7001:4'],
    ['of an heir of an earlier build', ''],
  ])('is lost where the same cycle stands, %s', async (_who, owner) => {
    const producer = new FakeProducer(['aborted'])
    producer.onReconcile = ({ offset }) => {
      producer.found = { offset, metadata: `cycle=7 changelog=111${owner}` }
    }
    await expect(committerOf(producer).commit(cycle())).rejects.toThrow(OwnershipLostError)
    expect([producer.sent.length, producer.sent[0]?.metadata]).toEqual([1, 'cycle=7 changelog=111 owner=7001:3'])
  })

  it('is lost where somebody moved the offset', async () => {
    const producer = new FakeProducer(['aborted'])
    producer.found = { offset: 3, metadata: '' }
    await expect(committerOf(producer).commit(cycle())).rejects.toThrow('somebody moved it')
  })

  it('is lost where a mark of its own stands at another offset', async () => {
    const producer = new FakeProducer(['aborted'])
    producer.onReconcile = ({ metadata }) => {
      producer.found = { offset: 3, metadata }
    }
    await expect(committerOf(producer).commit(cycle())).rejects.toThrow('somebody moved it')
  })
})

describe('the mark of a cycle', () => {
  it.each<[string, Outcome[], string]>([
    ['committed at once', [], 'committed'],
    ['sent again behind an attempt that was aborted', ['aborted'], 'resent'],
    ['sent again behind one whose records were never answered', ['unanswered'], 'resent'],
    ['sent again behind one whose offset was not taken', ['not taken'], 'resent'],
    ['sent again behind several', ['aborted', 'unanswered', 'not taken'], 'resent'],
    ['found committed', ['committed, not answered'], 'found-committed'],
    ['found committed behind several', ['unanswered', 'aborted', 'committed, not answered'], 'found-committed'],
  ])('says where the changelog ends, and so does that of the next: %s', async (_how, outcomes, verdict) => {
    const producer = new FakeProducer(outcomes)
    const committer = committerOf(producer)
    const committed = await committer.commit(cycle())
    expect(committed).toEqual({ verdict, changelogPosition: producer.logEnd - 1, lost: null })
    expect(producer.committedEnd).toBe(producer.logEnd)
    // What was found is the cycle before for the next one.
    producer.outcomes.push('aborted')
    expect((await committer.commit(cycle(8, producer.logEnd))).verdict).toBe('resent')
    expect(producer.committedEnd).toBe(producer.logEnd)
  })

  it('says where it ended before where the cycle changes nothing', async () => {
    const producer = new FakeProducer(['aborted'], 0)
    expect(await committerOf(producer).commit(cycle(7, END, 0))).toEqual({
      verdict: 'resent',
      changelogPosition: undefined,
      lost: null,
    })
    expect(producer.committedEnd).toBe(END)
  })
})

describe('a changelog that has lost records', () => {
  it.each<[string, Outcome[]]>([
    ['at once', []],
    ['though aborted attempts have grown over the gap', ['aborted', 'aborted']],
    ['where the cycle is found committed', ['committed, not answered']],
  ])('ends the task, and the mark is one that it never reaches: %s', async (_when, outcomes) => {
    for (const lost of [1, 5, 30]) {
      const producer = new FakeProducer([...outcomes])
      producer.logEnd -= lost
      const { lost: error } = await committerOf(producer).commit(cycle())
      expect(error).toMatchObject({ code: 'CHANGELOG_LOST', retry: 'never' })
      expect(producer.committedEnd).toBe(producer.logEnd + lost)
    }
  })
})

describe('a commit that the broker refuses', () => {
  it.each([
    ['MESSAGE_TOO_LARGE', 10, 'max.message.bytes'],
    ['TOPIC_AUTHORIZATION_FAILED', 29, 'the right (ACL)'],
    // The same bytes have the same timestamps: only a task that is opened again encodes them by a clock that was set.
    ['INVALID_TIMESTAMP', 32, 'the operator must set the clock of this host'],
  ])('is given up after three tries, and the task says who must act: %s', async (name, code, remedy) => {
    const refusal = new KafkaError('Produce', code, 'out-3')
    const producer = new FakeProducer([refusal, refusal, refusal])
    const refused = committerOf(producer).commit(cycle())
    await expect(refused).rejects.toMatchObject({ code: 'COMMIT_REFUSED', retry: 'reopen' })
    await expect(refused).rejects.toThrow(name)
    await expect(refused).rejects.toThrow(remedy)
    expect([producer.sent, producer.outcomes]).toEqual([[], []])
  })
})
