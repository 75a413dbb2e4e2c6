/**
 * The configuration cannot be used. One message with every problem, so that an operator repairs it in one go.
 * `onfile` ends with exit code 78.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'CONFIG_INVALID'
  readonly problems: readonly string[]

  /** @param problems each says which key, what is wrong with it and where it was set; none holds a secret. */
  constructor(problems: readonly string[]) {
    const lines = problems.map(problem => `  - ${problem}`)
    const head = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    super(
      `The configuration has ${head}; whoever deploys onfile must correct the file or the environment:\n${lines.join('\n')}`,
    )
    this.problems = problems
  }
}
