import type { Codec, Timer } from './processor.ts'

/** A timer as the queue holds it: cancelled ones stay in the heap until they surface or the heap is rebuilt. */
interface Entry extends Timer {
  cancelled: boolean
}

/** Store key of a timer. `name` must not contain a slash; `key` may hold anything. */
export function timerId(key: string, name: string): string {
  return `${name}/${key}`
}

export function timerOfId(id: string, dueAtMs: number): Timer {
  const slash = id.indexOf('/')
  return { name: id.slice(0, slash), key: id.slice(slash + 1), dueAtMs }
}

/** A timer's stored value: its due time in milliseconds, 8 bytes big-endian. */
export const dueTimeCodec: Codec<number> = {
  encode(value, buffer, position) {
    if (position + 8 <= buffer.length) buffer.writeDoubleBE(value, position)
    return position + 8
  },
  decode(buffer, start) {
    return buffer.readDoubleBE(start)
  },
}

function before(a: Entry, b: Entry): boolean {
  if (a.dueAtMs !== b.dueAtMs) return a.dueAtMs < b.dueAtMs
  return a.name === b.name ? a.key < b.key : a.name < b.name
}

/**
 * The task's timers in due order: a binary heap over what the state holds, rebuilt when the task opens. Order among
 * equal due times is by name and key, so that a replay fires them alike.
 */
export class TimerQueue {
  private heap: Entry[] = []
  private readonly byId = new Map<string, Entry>()
  private readonly kinds = new Map<string, number>()

  /** Timers by kind: what stands before the first colon of their name. */
  get counts(): ReadonlyMap<string, number> {
    return this.kinds
  }

  get size(): number {
    return this.byId.size
  }

  get nextDueAtMs(): number {
    this.dropCancelled()
    return this.heap[0]?.dueAtMs ?? Number.POSITIVE_INFINITY
  }

  dueAt(key: string, name: string): number | undefined {
    return this.byId.get(timerId(key, name))?.dueAtMs
  }

  schedule(key: string, name: string, dueAtMs: number): void {
    this.cancel(key, name)
    const entry: Entry = { key, name, dueAtMs, cancelled: false }
    this.byId.set(timerId(key, name), entry)
    this.count(name, 1)
    this.heap.push(entry)
    this.up(this.heap.length - 1)
  }

  /** Names of all timers of a key. Looks at every timer: for rare events only. */
  namesOf(key: string): string[] {
    const names: string[] = []
    for (const entry of this.byId.values()) if (entry.key === key) names.push(entry.name)
    return names
  }

  /** True if there was one. */
  cancel(key: string, name: string): boolean {
    const id = timerId(key, name)
    const entry = this.byId.get(id)
    if (entry === undefined) return false
    entry.cancelled = true
    this.byId.delete(id)
    this.count(name, -1)
    if (this.heap.length > 64 && this.heap.length > 2 * this.byId.size) this.rebuild()
    return true
  }

  /** Takes the next timer that is due at or before `untilMs`. */
  take(untilMs: number): Timer | undefined {
    this.dropCancelled()
    const top = this.heap[0]
    if (top === undefined || top.dueAtMs > untilMs) return undefined
    this.pop()
    this.byId.delete(timerId(top.key, top.name))
    this.count(top.name, -1)
    return { key: top.key, name: top.name, dueAtMs: top.dueAtMs }
  }

  private count(name: string, change: 1 | -1): void {
    const colon = name.indexOf(':')
    const kind = colon < 0 ? name : name.slice(0, colon)
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + change)
  }

  private dropCancelled(): void {
    while (this.heap[0]?.cancelled) this.pop()
  }

  private rebuild(): void {
    this.heap = [...this.byId.values()].sort((a, b) => (before(a, b) ? -1 : 1))
  }

  private pop(): void {
    const last = this.heap.pop()
    if (last === undefined || this.heap.length === 0) return
    this.heap[0] = last
    this.down(0)
  }

  private up(start: number): void {
    const heap = this.heap
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(heap[at]!, heap[parent]!)) return
      ;[heap[at], heap[parent]] = [heap[parent]!, heap[at]!]
      at = parent
    }
  }

  private down(start: number): void {
    const heap = this.heap
    let at = start
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) return
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, heap[at]!)) return
      ;[heap[at], heap[child]] = [heap[child]!, heap[at]!]
      at = child
    }
  }
}
