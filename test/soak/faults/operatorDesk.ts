import { OperatorTerminal } from '../../support/onfile/operatorTerminal.ts'
import type { OnfileRun } from '../../support/onfile/onfileRun.ts'

/** Terminals at the same time. Orders about one user are given one after the other. */
const TERMINALS = 4

/**
 * Operators beside a run: each order is given as the command line gives it, and not waited for: what came of it is in the
 * outcomes.
 */
export class OperatorDesk {
  /** Orders that are written, by action. */
  readonly given = new Map<string, number>()
  private readonly failures: string[] = []
  private readonly terminal: OperatorTerminal
  private readonly lines: Promise<void>[] = Array.from({ length: TERMINALS }, () => Promise.resolve())

  constructor(run: OnfileRun) {
    this.terminal = new OperatorTerminal(run)
  }

  /** Puts the words behind `onfile` into the line of that user. */
  give(userId: string, words: readonly string[]): void {
    const line = Buffer.from(userId).reduce((sum, byte) => sum + byte, 0) % TERMINALS
    this.lines[line] = this.lines[line]!.then(() => this.write(words))
  }

  /** Resolves when every order is written. Throws where one could not be given, whatever Kafka and the registry do. */
  async done(): Promise<void> {
    await Promise.all(this.lines)
    const [first] = this.failures
    if (first !== undefined) throw new Error(`${this.failures.length} orders could not be given, the first: ${first}`)
  }

  private async write(words: readonly string[]): Promise<void> {
    const { code, out, err } = await this.terminal.onfile(...words, '--no-wait')
    // Kafka or the registry did not answer: nothing was written, or nobody knows.
    if (code === 69) return
    if (code !== 0) {
      this.failures.push(`onfile ${words.join(' ')} ended with ${code}: ${out} ${err}`)
      return
    }
    const [action = ''] = words
    this.given.set(action, (this.given.get(action) ?? 0) + 1)
  }
}
