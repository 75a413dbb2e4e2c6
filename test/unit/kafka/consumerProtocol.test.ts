import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/kafka/consumerProtocol.ts'
import { ProtocolError } from '../../../src/kafka/errors.ts'

const require = createRequire(import.meta.url)
const { MemberAssignment, MemberMetadata } = (
  require('kafkajs') as {
    AssignerProtocol: {
      MemberAssignment: { decode(bytes: Buffer): { assignment: Record<string, number[]> } }
      MemberMetadata: { decode(bytes: Buffer): { topics: string[] } }
    }
  }
).AssignerProtocol

const partitions = fc.uniqueArray(fc.record({ topic: fc.constantFrom('a', 'b', 'ü'), partition: fc.nat(50) }), {
  selector: ({ topic, partition }) => `${topic}/${partition}`,
  maxLength: 12,
})
const sorted = (list: readonly { topic: string; partition: number }[]) =>
  list.map(({ topic, partition }) => `${topic}/${partition}`).toSorted()

describe('subscriptions and assignments', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(partitions, partitions, fc.nat(1_000), (owned, warm, generation) => {
        const subscription = decodeSubscription(encodeSubscription({ topics: ['a', 'b'], owned, warm, generation }, 1))
        expect(subscription.topics).toEqual(['a', 'b'])
        expect(subscription.generation).toBe(generation)
        expect([sorted(subscription.owned), sorted(subscription.warm)]).toEqual([sorted(owned), sorted(warm)])
        expect(sorted(decodeAssignment(encodeAssignment(owned)))).toEqual(sorted(owned))
      }),
    )
  })

  it('have the outer form that other clients and tools read', () => {
    const owned = [
      { topic: 'a', partition: 3 },
      { topic: 'a', partition: 1 },
      { topic: 'b', partition: 0 },
    ]
    expect(MemberAssignment.decode(encodeAssignment(owned)).assignment).toEqual({ a: [3, 1], b: [0] })
    const subscription = encodeSubscription({ topics: ['a', 'b'], owned, warm: [], generation: 4 }, 1)
    expect(MemberMetadata.decode(subscription).topics).toEqual(['a', 'b'])
  })

  it("of a member that says where it is reached are the others', with that at the end", () => {
    const owned = [{ topic: 'a', partition: 3 }]
    const plain = { topics: ['a'], owned, warm: [], generation: 4 }
    const withUrl = encodeSubscription({ ...plain, adminUrl: 'http://pod-0:9400' }, 1)
    const without = encodeSubscription(plain, 1)
    expect(decodeSubscription(withUrl)).toEqual({ ...plain, adminUrl: 'http://pod-0:9400' })
    expect(decodeSubscription(without).adminUrl).toBeUndefined()
    expect(encodeSubscription({ ...plain, adminUrl: null }, 1)).toEqual(without)
    // What a release that does not know it reads: the same bytes up to there, but for the length of the user data.
    const userDataAt = 2 + 4 + 3 + 4
    expect(withUrl.subarray(userDataAt, without.length)).toEqual(without.subarray(userDataAt))
    expect(MemberMetadata.decode(withUrl).topics).toEqual(['a'])
  })

  it('differ from one join to the next, so that the coordinator does not ignore it', () => {
    const subscription = { topics: ['a'], owned: [], warm: [], generation: 1 }
    expect(encodeSubscription(subscription, 1)).not.toEqual(encodeSubscription(subscription, 2))
  })

  it('of a newer member are used without what cannot be read', () => {
    const bytes = encodeSubscription(
      { topics: ['a'], owned: [{ topic: 'a', partition: 1 }], warm: [], generation: 1 },
      1,
    )
    bytes.writeInt16BE(2, 2 + 4 + 3 + 4)
    expect(decodeSubscription(bytes)).toEqual({ topics: ['a'], owned: [], warm: [], generation: -1 })
  })

  it('are an empty assignment where the leader sent nothing, and a typed error where it sent nonsense', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([])
    expect(() => decodeAssignment(Buffer.from([0, 0, 0x7f, 0xff, 0xff, 0xff]))).toThrow(ProtocolError)
  })
})
