import type { Cluster } from '../../../src/kafka/cluster.ts'
import { encodeAssignment, encodeSubscription } from '../../../src/kafka/consumerProtocol.ts'
import type { TopicPartition } from '../../../src/kafka/groupMember.ts'
import type { Request } from '../../../src/kafka/request.ts'

const SUBSCRIPTION = encodeSubscription({ topics: ['in'], owned: [], warm: [], generation: 0 }, 1)

/**
 * A group of one member, as the client below a GroupMember: answers decoded requests by their name. `answers` are error
 * codes by request, taken one after the other, the last one for good; without them everything is granted.
 */
export class FakeGroup {
  readonly asked: string[] = []
  readonly answers: Record<string, number[]> = {}
  assignment: readonly TopicPartition[] = []
  /** Metadata answers come so late. */
  topicsTakeMs: () => number = () => 0
  /** What Metadata says of the topics: a partition count, null where there is none, or why it is not told. */
  topicsAre: () => number | null | Error = () => 1
  /** The last SyncGroup as sent: in it the leader's assignments. */
  synced = Buffer.alloc(0)
  generation = 0

  readonly cluster = {
    topics: async (names: readonly string[]) => {
      this.asked.push('Metadata')
      const takesMs = this.topicsTakeMs()
      if (takesMs > 0) await new Promise(resolve => setTimeout(resolve, takesMs))
      const are = this.topicsAre()
      if (are instanceof Error) throw are
      return new Map(names.map(name => [name, are]))
    },
    coordinator: () => Promise.resolve(1),
    settings: { connection: { requestTimeoutMs: 30_000 } },
    forgetCoordinator: () => undefined,
    transactionVersion: () => Promise.resolve(2),
    closeLane: () => undefined,
    call: async (_node: number, _lane: string, request: Request<unknown>) => {
      await new Promise(resolve => setTimeout(resolve, 2))
      if (request.api.name === 'SyncGroup') this.synced = Buffer.concat([...request.encode(request.api.maxVersion)])
      return this.answer(request.api.name)
    },
  } as unknown as Cluster

  count(api: string): number {
    return this.asked.filter(name => name === api).length
  }

  private answer(api: string): unknown {
    this.asked.push(api)
    const codes = this.answers[api] ?? []
    const errorCode = (codes.length > 1 ? codes.shift() : codes[0]) ?? 0
    if (errorCode !== 0) return { errorCode, members: [], memberId: '', leaderId: '', generation: -1 }
    switch (api) {
      case 'JoinGroup': {
        const members = [{ memberId: 'me', instanceId: null, subscription: SUBSCRIPTION }]
        return { errorCode, generation: ++this.generation, leaderId: 'me', memberId: 'me', members }
      }
      case 'SyncGroup':
        return { errorCode, assignment: encodeAssignment([...this.assignment]) }
      default:
        return { errorCode }
    }
  }
}
