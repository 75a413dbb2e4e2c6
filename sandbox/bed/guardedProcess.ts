import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** What a watchdog runs and cleans up. */
export interface GuardedPlan {
  /** Command lines, run one after the other; each must end with code 0 before the next one starts. */
  readonly steps: readonly (readonly string[])[]
  /** Both outputs of every step are appended here. */
  readonly logFile: string
  /** Removed with all that is in it when the process has ended. */
  readonly disposableDir?: string
}

/** What the plan's commands run in, where it is not what this process runs in. */
export interface GuardedSurroundings {
  readonly environment?: NodeJS.ProcessEnv
  readonly workingDir?: string
}

/** A process that cannot outlive this one. */
export interface GuardedProcess {
  /** Process id of step `index`, as soon as it runs. */
  pidOf(index: number): Promise<number>
  /** Resolves with how it ended (`code 1`, `SIGKILL`) when a step ends by itself: the last one, or any that failed. */
  readonly ended: Promise<string>
  /** Last lines of the log, for a message to a person. */
  logTail(): string
  /** Kills the process, removes the disposable directory, resolves when both are done. May be called again. */
  stop(): Promise<void>
}

const watchdogPath = fileURLToPath(new URL('./watchdog.ts', import.meta.url))

/**
 * Starts `plan` under a watchdog (watchdog.ts): when this process ends in any way, SIGKILL included, the plan's process
 * is killed and its directory removed. It does not keep this process's event loop alive.
 */
export const startGuarded = (plan: GuardedPlan, surroundings: GuardedSurroundings = {}): GuardedProcess => {
  const { environment = process.env, workingDir } = surroundings
  const watchdog = spawn(process.execPath, [watchdogPath, JSON.stringify(plan)], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...environment, NODE_OPTIONS: '' },
    ...(workingDir === undefined ? {} : { cwd: workingDir }),
  })
  const pids = plan.steps.map(() => Promise.withResolvers<number>())
  const ended = Promise.withResolvers<string>()
  const exited = once(watchdog, 'exit')
  const lines = createInterface({ input: watchdog.stdout })
  lines.on('line', line => {
    const event = JSON.parse(line) as { step?: number; pid?: number; exit?: string }
    if (event.step !== undefined && event.pid !== undefined) pids[event.step]?.resolve(event.pid)
    if (event.exit !== undefined) ended.resolve(event.exit)
  })
  void exited.then(() => ended.resolve('its watchdog ended'))
  watchdog.stdin.on('error', () => undefined)
  watchdog.unref()
  for (const pipe of [watchdog.stdin, watchdog.stdout]) (pipe as Partial<{ unref(): void }>).unref?.()

  return {
    pidOf: index => pids[index]?.promise ?? Promise.reject(new RangeError(`The plan has no step ${index}`)),
    ended: ended.promise,
    logTail() {
      try {
        return readFileSync(plan.logFile, 'utf8').split('\n').slice(-15).join('\n').trim()
      } catch {
        return ''
      }
    },
    async stop() {
      watchdog.ref()
      watchdog.stdin.end()
      await exited
    },
  }
}
