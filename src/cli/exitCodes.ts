/** Exit codes of every command (contract.md 6). */
export const EXIT = {
  done: 0,
  failed: 1,
  /** The command line is wrong. */
  usage: 64,
  /** Something needed is unreachable. One-shot commands only: `run` waits and says so in `/startupz`. */
  unreachable: 69,
  /** Configuration, topics, schemas or a locked state directory are definitely wrong: trying again changes nothing. */
  wrong: 78,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
