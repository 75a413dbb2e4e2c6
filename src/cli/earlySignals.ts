import { constants } from 'node:os'
import { leaveAtOnce } from './leaveAtOnce.ts'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * Until `onfile run` listens to signals itself (and for all other commands) a signal ends the process, which a shell
 * shows as 128 and its number. The kernel does so by itself, but not for process 1 of a container: there a signal that
 * nobody listens to is dropped, and a pod that is deleted while it starts would wait for the end of its grace period.
 */
export function leaveOnSignals(): void {
  for (const signal of SIGNALS) process.on(signal, leave)
}

/** Whoever calls this listens from now on. Call it after the own listener is there, so that no signal falls between. */
export function takeOverSignals(): void {
  for (const signal of SIGNALS) process.off(signal, leave)
}

function leave(signal: NodeJS.Signals): void {
  if (process.pid === 1) leaveAtOnce(128 + constants.signals[signal])
  // Everywhere else the kernel ends whatever hangs in a file, once nobody listens; `process.exit` would wait for it.
  takeOverSignals()
  process.kill(process.pid, signal)
}
