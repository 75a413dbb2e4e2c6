/** Lets one loop sleep until something happens or a time has passed. Waking a loop that does not sleep does nothing. */
export class Waker {
  private wakeUp: (() => void) | null = null

  wake(): void {
    const wakeUp = this.wakeUp
    this.wakeUp = null
    wakeUp?.()
  }

  /** With 0 or less it only lets input and output of other work go on. */
  sleep(ms: number): Promise<void> {
    if (ms <= 0) return yieldToIo()
    return new Promise(resolve => {
      const timer = setTimeout(() => this.wake(), Math.ceil(ms))
      this.wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** One turn of the event loop: sockets are read and written, timers run. */
export function yieldToIo(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
