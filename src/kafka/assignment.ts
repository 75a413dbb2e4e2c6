/** A partition that a role reads: one task. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A member as the leader of the group sees it. */
export interface AssignmentMember {
  readonly memberId: string
  readonly instanceId: string | null
  /** Tasks that it holds now. */
  readonly owned: readonly TopicPartition[]
  /** Partitions whose local store it has. */
  readonly warm: readonly TopicPartition[]
  /** Generation in which it was given what it owns: of two claims the newer one is true. Default 0. */
  readonly generation?: number
  /** Topics that it reads; absent = all of them. */
  readonly topics?: readonly string[]
}

/**
 * Who gets which partition, now. The balanced plan (`balance`), but a partition that another member still holds is given
 * to nobody: its holder sees that it lost it, finishes its work there, gives it up and asks for a new assignment, in
 * which the partition is free. So a partition never has two owners that both have reason to believe in it.
 */
export function assign(
  members: readonly AssignmentMember[],
  partitions: readonly TopicPartition[],
): Map<string, TopicPartition[]> {
  const holders = new Map<string, Set<string>>()
  for (const { memberId, owned } of members) {
    for (const tp of owned) {
      const holding = holders.get(idOf(tp)) ?? new Set<string>()
      holders.set(idOf(tp), holding.add(memberId))
    }
  }
  const plan = balance(members, partitions)
  for (const [memberId, planned] of plan) {
    const free = planned.filter(tp => {
      const holding = holders.get(idOf(tp))
      return holding?.has(memberId) ?? true
    })
    plan.set(memberId, free)
  }
  return plan
}

/**
 * The plan that the group moves towards: sizes differ by at most one (where all members read the same topics), what a
 * member owns stays where the balance allows, then local stores decide, then the topics are spread evenly. Who must give
 * something up gives that for which a member with room has the store: one that comes back finds its own again, as far
 * as the shares allow. Depends on nothing but its arguments, and not on their order.
 */
export function balance(
  members: readonly AssignmentMember[],
  partitions: readonly TopicPartition[],
): Map<string, TopicPartition[]> {
  const sorted = members.toSorted((a, b) => compare(a.instanceId ?? a.memberId, b.instanceId ?? b.memberId))
  const seats = sorted.map(member => new Seat(member))
  if (seats.length === 0) return new Map()
  const ordered = partitions.toSorted((a, b) => compare(a.topic, b.topic) || a.partition - b.partition)

  const claims = trueClaims(seats, ordered)
  setQuotas(seats, claims, ordered.length)
  const isWanted = (tp: TopicPartition): boolean => {
    const claimant = claims.get(idOf(tp))
    return seats.some(seat => seat !== claimant && seat.mayGrow && seat.reads(tp.topic) && seat.isWarm(tp))
  }
  const kept = new Set<TopicPartition>()
  for (const tp of [...ordered.filter(tp => !isWanted(tp)), ...ordered.filter(isWanted)]) {
    const claimant = claims.get(idOf(tp))
    if (!claimant?.hasRoom) continue
    claimant.take(tp)
    kept.add(tp)
  }
  const left = ordered.filter(tp => !kept.has(tp))
  const cold = left.filter(tp => {
    const seat = best(seats, tp, candidate => candidate.isWarm(tp) && candidate.hasRoom)
    seat?.take(tp)
    return seat === undefined
  })
  for (const tp of cold) {
    const seat = best(seats, tp, candidate => candidate.hasRoom) ?? best(seats, tp, () => true)
    seat?.take(tp)
  }
  return new Map(seats.map(seat => [seat.member.memberId, seat.partitions]))
}

/** One member's place in the plan. */
class Seat {
  readonly member: AssignmentMember
  readonly partitions: TopicPartition[] = []
  quota = 0
  /** Partitions that it truly owns. */
  ownedCount = 0
  private readonly warm: ReadonlySet<string>
  private readonly byTopic = new Map<string, number>()

  constructor(member: AssignmentMember) {
    this.member = member
    this.warm = new Set(member.warm.map(idOf))
  }

  get hasRoom(): boolean {
    return this.partitions.length < this.quota
  }

  get room(): number {
    return this.quota - this.partitions.length
  }

  /** Its share is larger than what it owns. */
  get mayGrow(): boolean {
    return this.ownedCount < this.quota
  }

  get warmCount(): number {
    return this.warm.size
  }

  reads(topic: string): boolean {
    return this.member.topics?.includes(topic) ?? true
  }

  isWarm(tp: TopicPartition): boolean {
    return this.warm.has(idOf(tp))
  }

  countOf(topic: string): number {
    return this.byTopic.get(topic) ?? 0
  }

  take(tp: TopicPartition): void {
    this.partitions.push(tp)
    this.byTopic.set(tp.topic, this.countOf(tp.topic) + 1)
  }
}

/** By partition, the member that truly owns it: a member that was away may still claim what others were given. */
function trueClaims(seats: readonly Seat[], partitions: readonly TopicPartition[]): Map<string, Seat> {
  const existing = new Set(partitions.map(idOf))
  const claims = new Map<string, Seat>()
  for (const seat of seats) {
    for (const tp of seat.member.owned) {
      if (!existing.has(idOf(tp)) || !seat.reads(tp.topic)) continue
      const other = claims.get(idOf(tp))
      if (other === undefined || generationOf(seat) > generationOf(other)) claims.set(idOf(tp), seat)
    }
  }
  return claims
}

/** The larger shares go to those that own the most, so that fewer partitions move, then to those with the most stores. */
function setQuotas(seats: readonly Seat[], claims: ReadonlyMap<string, Seat>, partitionCount: number): void {
  for (const seat of claims.values()) seat.ownedCount++
  const share = Math.floor(partitionCount / seats.length)
  const larger = partitionCount % seats.length
  const byOwned = seats.toSorted((a, b) => b.ownedCount - a.ownedCount || b.warmCount - a.warmCount)
  for (const [index, seat] of byOwned.entries()) seat.quota = share + (index < larger ? 1 : 0)
}

/** Among those who may have it: the fewest partitions of that topic, then the most room, then the first. */
function best(seats: readonly Seat[], tp: TopicPartition, may: (seat: Seat) => boolean): Seat | undefined {
  let found: Seat | undefined
  for (const seat of seats) {
    if (!seat.reads(tp.topic) || !may(seat)) continue
    if (found === undefined || isBetter(seat, found, tp.topic)) found = seat
  }
  return found
}

function isBetter(seat: Seat, than: Seat, topic: string): boolean {
  const fewer = than.countOf(topic) - seat.countOf(topic)
  return fewer !== 0 ? fewer > 0 : seat.room > than.room
}

function generationOf(seat: Seat): number {
  return seat.member.generation ?? 0
}

function idOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
