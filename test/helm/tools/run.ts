import { execFile } from 'node:child_process'

/** How a program ended. */
export interface Ended {
  /** Null where it was killed or could not be started. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  readonly input?: string
}

/** Runs a program to its end; never throws. Killed after `timeoutMs`, one minute unless told. */
export function run(command: string, words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { cwd, env = {}, timeoutMs = 60_000, input } = options
  return new Promise(resolve => {
    const child = execFile(
      command,
      words,
      {
        ...(cwd === undefined ? {} : { cwd }),
        env: { ...process.env, ...env },
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: 64 << 20,
      },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : null
        resolve({ exitCode, stdout, stderr: stderr === '' && error !== null ? error.message : stderr })
      },
    )
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}
