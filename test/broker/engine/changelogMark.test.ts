import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { Committer } from '../../../src/engine/commit.ts'
import { Cycle } from '../../../src/engine/cycle.ts'
import { cycleMarkOf, ownerOfLock } from '../../../src/engine/cycleMark.ts'
import type { CommitVerdict } from '../../../src/engine/observer.ts'
import type { GroupMember } from '../../../src/kafka/groupMember.ts'
import { listOffset } from '../../../src/kafka/offsets.ts'
import { TransactionalProducer } from '../../../src/kafka/transaction.ts'
import { KafkaProxy } from '../../support/kafkaProxy.ts'
import type { ApiName } from '../../support/kafkaProxy.ts'
import { Bench, textEncoder, unique } from '../kafka/bench.ts'

const BATCH_BYTES = 900 << 10

describe.each(['v1', 'v2'] as const)(
  'in protocol %s the mark says where the changelog ends',
  { retry: 0 },
  protocol => {
    let bench: Bench
    let proxy: KafkaProxy
    let input: string
    let changelog: string
    let member: GroupMember
    let producer: TransactionalProducer
    let committer: Committer
    let number: number
    let endsAt: number

    beforeEach(async () => {
      bench = await Bench.open(inject('brokers'))
      proxy = await KafkaProxy.start(inject('brokers'))
      input = await bench.topic(1)
      changelog = await bench.topic(1)
      const groupId = unique('g')
      member = await bench.member(groupId, input)
      producer = new TransactionalProducer(await bench.client(proxy.brokers), {
        transactionalId: unique('tx'),
        groupId,
        member,
        timeoutMs: 30_000,
        ...(protocol === 'v1' ? { forceProtocol: 'v1' as const } : {}),
      })
      await producer.takeOver()
      committer = new Committer(
        {
          producer,
          topic: input,
          partition: 0,
          owner: ownerOfLock(producer),
          changelog,
          changelogStart: 0,
          membership: () => member.membership,
          signal: AbortSignal.timeout(60_000),
          log: pino({ enabled: false }),
          onWaiting: () => undefined,
          onStep: undefined,
        },
        await producer.committedOffset(input, 0),
      )
      number = 0
      endsAt = 0
    })
    afterEach(async () => {
      await bench[Symbol.asyncDispose]()
      await proxy.stop()
    })

    /** Commits a cycle; its verdict. */
    async function commit(...values: readonly string[]): Promise<CommitVerdict> {
      const cycle = new Cycle<unknown>()
      cycle.number = ++number
      cycle.endOffset = number
      cycle.changelogBefore = endsAt
      for (const value of values) {
        cycle.append(changelog, 0, Date.now(), Buffer.from('key'), value, textEncoder)
        cycle.changedSlots.push(cycle.changedSlots.length)
      }
      const { verdict, changelogPosition } = await committer.commit(cycle)
      if (changelogPosition !== undefined) endsAt = changelogPosition + 1
      return verdict
    }

    /** As whoever takes over reads it; Kafka answers EndTxn before the partitions have their markers. */
    async function expectMarkAtEnd(): Promise<void> {
      const { metadata } = await producer.committedOffset(input, 0)
      const said = cycleMarkOf(metadata)
      expect([said.number, said.changelogEnd]).toEqual([number, endsAt])
      const stable = () => listOffset(bench.cluster, changelog, 0, 'lastStable')
      await expect.poll(stable, { timeout: 20_000 }).toBe(said.changelogEnd)
      expect(await listOffset(bench.cluster, changelog, 0, 'latest')).toBe(said.changelogEnd)
    }

    it('of a cycle that is committed at once, of several batches, and of one that changes nothing', async () => {
      await commit('a', 'b')
      await expectMarkAtEnd()
      await commit(...['c', 'd', 'e'].map(value => value.repeat(BATCH_BYTES)))
      await expectMarkAtEnd()
      await commit()
      await expectMarkAtEnd()
    })

    const doubts: readonly (readonly [ApiName, 'request' | 'response', CommitVerdict])[] = [
      ['Produce', 'response', 'resent'],
      ['TxnOffsetCommit', 'request', 'resent'],
      ['TxnOffsetCommit', 'response', 'resent'],
      ['EndTxn', 'request', 'resent'],
      ['EndTxn', 'response', 'found-committed'],
    ]

    it.each(doubts)('where the %s %s was lost and the cycle is %s', async (api, on, verdict) => {
      await commit('before')
      proxy.lose({ api, on, action: 'cut', times: verdict === 'resent' ? 3 : 1 })
      expect(await commit('a', 'b', 'c')).toBe(verdict)
      await expectMarkAtEnd()
      await commit('after')
      await expectMarkAtEnd()
      expect(await bench.read(changelog)).toEqual(['before', 'a', 'b', 'c', 'after'])
    })
  },
)
