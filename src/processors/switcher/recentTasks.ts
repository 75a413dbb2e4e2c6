/** Longer than a task waits, by far: a copy of its webhook that comes later finds the window closed. */
const REMEMBERED_MS = 600_000

/** Tasks that were seen in one partition of late: a second delivery of a webhook must not send a second card. */
export class RecentTasks {
  /** In the order of their ends. */
  readonly #untilMs = new Map<string, number>()

  /** False where the task was seen before. */
  add(taskId: string, nowMs: number): boolean {
    for (const [known, untilMs] of this.#untilMs) {
      if (untilMs > nowMs) break
      this.#untilMs.delete(known)
    }
    if (this.#untilMs.has(taskId)) return false
    this.#untilMs.set(taskId, nowMs + REMEMBERED_MS)
    return true
  }
}
