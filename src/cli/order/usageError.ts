/** The command line asks for something that cannot be meant. Nothing was written. `onfile` ends with exit code 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'USAGE'

  /** @param problems each names its option and what is right; none repeats a value that may hold a card number */
  constructor(problems: readonly string[]) {
    super(`Nothing was done:\n${problems.map(problem => `  - ${problem}`).join('\n')}`)
  }
}
