/** Who can stand in a line: it knows whether it still waits. */
export interface InLine {
  readonly waits: boolean
}

/** A line of so many is served in its order. */
const SHORT = 32

/**
 * A line that, when it is long, is served from both ends in turn: the one that has waited longest, then the one that came
 * last. After a burst (the ten thousand users of a card conversion at one merchant) the head of the line is hours behind;
 * whoever comes then waits for a turn or two, and the head still gets every second one. The order of one account is not
 * kept here: only one command of it stands in a line at a time.
 *
 * Whoever stops waiting says so to `left` and is passed over.
 */
export class WaitingLine<T extends InLine> {
  #entries: (T | undefined)[] = []
  #head = 0
  #waiting = 0
  #newestNext = false

  get size(): number {
    return this.#waiting
  }

  add(entry: T): void {
    this.#entries.push(entry)
    this.#waiting++
  }

  /** One that was here has stopped waiting. */
  left(): void {
    this.#waiting--
    if (this.#entries.length - this.#head > 2 * this.#waiting + 32) this.#compact()
  }

  /** The next to be served, taken out; `undefined` where nobody waits. It still counts until `left` is called for it. */
  take(): T | undefined {
    const newest = this.#newestNext && this.#waiting > SHORT
    this.#newestNext = !newest
    return newest ? this.#takeNewest() : this.#takeOldest()
  }

  #takeOldest(): T | undefined {
    while (this.#head < this.#entries.length) {
      const entry = this.#entries[this.#head]
      this.#entries[this.#head++] = undefined
      if (entry?.waits === true) return entry
    }
    this.#compact()
    return undefined
  }

  #takeNewest(): T | undefined {
    while (this.#head < this.#entries.length) {
      const entry = this.#entries.pop()
      if (entry?.waits === true) return entry
    }
    this.#compact()
    return undefined
  }

  #compact(): void {
    this.#entries = this.#entries.slice(this.#head).filter(entry => entry?.waits === true)
    this.#head = 0
  }
}
