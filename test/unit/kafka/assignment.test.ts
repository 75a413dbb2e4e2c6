import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assign, balance } from '../../../src/kafka/assignment.ts'
import type { AssignmentMember, TopicPartition } from '../../../src/kafka/assignment.ts'

const id = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`
const ids = (partitions: readonly TopicPartition[] | undefined) => (partitions ?? []).map(id).toSorted()
const topic = (name: string, count: number): TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic: name, partition }))
const member = (memberId: string, owned: readonly TopicPartition[] = [], more: Partial<AssignmentMember> = {}) => ({
  memberId,
  instanceId: null,
  owned,
  warm: [],
  ...more,
})

const partitions = fc
  .array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 3 })
  .map(counts => counts.flatMap((count, index) => topic(`t${index}`, count)))

/** Members with any claims, also double and stale ones. */
const group = partitions.chain(all =>
  fc.record({
    all: fc.constant(all),
    members: fc
      .array(
        fc.record({
          owned: fc.subarray([...all, { topic: 'gone', partition: 0 }]),
          warm: fc.subarray(all),
          generation: fc.nat(5),
        }),
        { minLength: 1, maxLength: 6 },
      )
      .map(list => list.map((one, index) => ({ memberId: `m${index}`, instanceId: null, ...one }))),
  }),
)

describe('the balanced plan', () => {
  it('gives each partition to exactly one member, in shares that differ by at most one', () => {
    fc.assert(
      fc.property(group, ({ all, members }) => {
        const plan = balance(members, all)
        const sizes = [...plan.values()].map(({ length }) => length)
        expect([...plan.values()].flat().map(id).toSorted()).toEqual(all.map(id).toSorted())
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('depends neither on the order of the members nor of the partitions', () => {
    fc.assert(
      fc.property(group, ({ all, members }) => {
        const plan = balance(members, all)
        const other = balance(members.toReversed(), all.toReversed())
        for (const { memberId } of members) expect(ids(other.get(memberId))).toEqual(ids(plan.get(memberId)))
      }),
    )
  })

  it('moves nothing when a balanced group joins again as it is', () => {
    fc.assert(
      fc.property(group, ({ all, members }) => {
        const plan = balance(members, all)
        const settled = members.map(one => ({ ...one, owned: plan.get(one.memberId) ?? [] }))
        const again = balance(settled, all)
        for (const { memberId } of members) expect(ids(again.get(memberId))).toEqual(ids(plan.get(memberId)))
      }),
    )
  })

  it('moves only what the balance asks for when a member comes or goes', () => {
    fc.assert(
      fc.property(partitions, fc.integer({ min: 2, max: 6 }), (all, count) => {
        const names = Array.from({ length: count }, (_, index) => `m${index}`)
        const before = balance(
          names.map(name => member(name)),
          all,
        )
        const grown = balance([...names.map(name => member(name, before.get(name))), member('new')], all)
        const stayed = names.flatMap(name =>
          (before.get(name) ?? []).filter(tp => ids(grown.get(name)).includes(id(tp))),
        )
        expect(stayed).toHaveLength(all.length - (grown.get('new') ?? []).length)

        const shrunk = balance(
          names.slice(1).map(name => member(name, before.get(name))),
          all,
        )
        for (const name of names.slice(1)) {
          expect(ids(shrunk.get(name))).toEqual(expect.arrayContaining(ids(before.get(name))))
        }
      }),
    )
  })

  it('gives no free partition to a member without its store while one that has the store takes something else cold', () => {
    fc.assert(
      fc.property(group, ({ all, members }) => {
        const plan = balance(members, all)
        const isWarm = (one: AssignmentMember, tp: TopicPartition) => ids(one.warm).includes(id(tp))
        const isOwned = (one: AssignmentMember, tp: TopicPartition) => ids(one.owned).includes(id(tp))
        for (const one of members) {
          for (const tp of plan.get(one.memberId)!) {
            if (isOwned(one, tp) || isWarm(one, tp)) continue
            for (const other of members.filter(candidate => isWarm(candidate, tp))) {
              const cold = plan.get(other.memberId)!.filter(taken => !isOwned(other, taken) && !isWarm(other, taken))
              expect(cold, `${one.memberId} has ${id(tp)}, whose store is at ${other.memberId}`).toEqual([])
            }
          }
        }
      }),
    )
  })

  it('lets a member that comes back find its own: who must give something up gives what that one has the store of', () => {
    const returning = partitions.chain(all =>
      fc.record({ all: fc.constant(all), count: fc.integer({ min: 1, max: 5 }), warm: fc.subarray(all) }),
    )
    fc.assert(
      fc.property(returning, ({ all, count, warm }) => {
        const names = Array.from({ length: count }, (_, index) => `m${index}`)
        const before = balance(
          names.map(name => member(name)),
          all,
        )
        const settled = names.map(name => member(name, before.get(name)))
        const after = balance([...settled, member('back', [], { warm })], all)
        let moved = 0
        for (const name of names) {
          const kept = ids(after.get(name))
          const given = ids(before.get(name)).filter(one => !kept.includes(one))
          moved += given.length
          if (given.some(one => !ids(warm).includes(one))) {
            expect(kept.filter(one => ids(warm).includes(one))).toEqual([])
          }
        }
        expect(moved).toBe(after.get('back')!.length)
      }),
    )
  })

  it('gives the larger share to whoever has the most stores, where nobody owns more', () => {
    const all = topic('t', 3)
    const plan = balance([member('a'), member('b', [], { warm: [all[0]!, all[2]!] })], all)
    expect([ids(plan.get('a')), ids(plan.get('b'))]).toEqual([['t/1'], ['t/0', 't/2']])
  })

  it('believes the newer of two claims', () => {
    const all = topic('t', 2)
    const back = member('a', all, { generation: 3 })
    const owner = member('b', [all[0]!], { generation: 4 })
    const plan = balance([back, owner], all)
    expect([ids(plan.get('a')), ids(plan.get('b'))]).toEqual([['t/1'], ['t/0']])
  })

  it('gives free partitions to those who have their local store', () => {
    const all = topic('t', 4)
    const plan = balance([member('a'), member('b', [], { warm: [all[0]!, all[1]!] })], all)
    expect(ids(plan.get('b'))).toEqual(['t/0', 't/1'])
  })

  it('spreads each topic evenly', () => {
    const all = [...topic('busy', 4), ...topic('quiet', 4)]
    const plan = balance([member('a'), member('b')], all)
    for (const name of ['a', 'b']) {
      expect(plan.get(name)!.filter(tp => tp.topic === 'busy')).toHaveLength(2)
    }
  })

  it('spreads each topic evenly also where it must work around what stays', () => {
    const [busy, quiet] = [topic('busy', 4), topic('quiet', 4)]
    const plan = balance([member('a', [busy[0]!]), member('b', [quiet[0]!, quiet[1]!])], [...busy, ...quiet])
    expect(plan.get('a')!.filter(tp => tp.topic === 'busy')).toHaveLength(2)
  })

  it('leaves the larger share to whoever has it', () => {
    const all = topic('t', 3)
    const plan = balance([member('a', [all[0]!]), member('b', [all[1]!, all[2]!])], all)
    expect([ids(plan.get('a')), ids(plan.get('b'))]).toEqual([['t/0'], ['t/1', 't/2']])
  })

  it('gives nobody a topic that it does not read', () => {
    const all = [...topic('old', 3), ...topic('new', 3)]
    const plan = balance([member('a', [], { topics: ['old'] }), member('b', [], { topics: ['old', 'new'] })], all)
    expect(plan.get('a')!.every(tp => tp.topic === 'old')).toBe(true)
    expect([...plan.values()].flat()).toHaveLength(6)
  })

  it('is empty without members', () => {
    expect(balance([], topic('t', 3)).size).toBe(0)
  })
})

describe('the assignment', () => {
  it('never gives a partition to one member while another still holds it', () => {
    fc.assert(
      fc.property(group, ({ all, members }) => {
        for (const [memberId, given] of assign(members, all)) {
          for (const tp of given) {
            const holders = members.filter(({ owned }) => owned.some(held => id(held) === id(tp)))
            expect(holders.length === 0 || holders.some(holder => holder.memberId === memberId)).toBe(true)
          }
        }
      }),
    )
  })

  it('comes to the balanced plan as soon as what must move was given up', () => {
    fc.assert(
      fc.property(group, ({ all, members }) => {
        let current: AssignmentMember[] = members
        for (let round = 0; round < 3; round++) {
          const assigned = assign(current, all)
          current = current.map(one => ({ ...one, owned: assigned.get(one.memberId) ?? [], generation: 10 + round }))
        }
        const sizes = current.map(({ owned }) => owned.length)
        expect(current.flatMap(({ owned }) => owned.map(id)).toSorted()).toEqual(all.map(id).toSorted())
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('names the same partitions again while their holder has not given them up', () => {
    const all = topic('t', 6)
    const group = [member('a', all, { generation: 1 }), member('b')]
    const first = assign(group, all)
    const second = assign([member('a', all, { generation: 2 }), member('b', first.get('b'))], all)
    expect(first.get('b')).toEqual([])
    expect(ids(second.get('a'))).toEqual(ids(first.get('a')))
  })
})
