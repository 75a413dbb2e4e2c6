/** What has to be undone at the end, whatever the end is: last in, first out. One failure does not stop the others. */
export class CleanUp {
  readonly #steps: (() => Promise<unknown>)[] = []
  readonly #complain: (message: string) => void
  #running: Promise<void> | undefined

  constructor(complain: (message: string) => void) {
    this.#complain = complain
  }

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step)
  }

  /** May be called again: the second caller waits for the first one's run. */
  async run(): Promise<void> {
    this.#running ??= this.#undo()
    return this.#running
  }

  async #undo(): Promise<void> {
    for (const step of this.#steps.toReversed()) {
      await step().catch((error: unknown) => this.#complain(error instanceof Error ? error.message : String(error)))
    }
  }
}
