/**
 * Numbers that follow from a seed, a name and an index alone: a case is replayed without those before it. Mulberry32,
 * public domain; good enough to choose mutations, for nothing else.
 */
export class Random {
  private state: number

  constructor(seed: number, name: string, index: number) {
    let hash = (seed ^ 0x9e3779b9) >>> 0
    for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
    this.state = Math.imul(hash ^ index, 0x85ebca6b) ^ (hash >>> 13) ^ index
  }

  /** 0 to 2^32 - 1. */
  uint32(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** 0 to `limit - 1`; 0 where the limit is 0. */
  below(limit: number): number {
    return limit <= 0 ? 0 : this.uint32() % limit
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }

  bytes(count: number): Buffer {
    const result = Buffer.allocUnsafe(count)
    for (let at = 0; at < count; at++) result[at] = this.uint32()
    return result
  }
}
