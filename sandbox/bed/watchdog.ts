/**
 * Runs one command line after the other and outlives its parent just long enough to clean up: when the pipe on standard
 * input closes, for whatever reason, the command that runs is killed and the directory is removed. A parent that dies
 * by SIGKILL closes that pipe too, and nothing but the kernel has to work for it.
 *
 * Started by guardedProcess.ts as its own session, so that a Ctrl-C at the terminal does not reach it. Writes one line
 * of JSON per event to standard output: `{"step":0,"pid":123}`, then `{"exit":"code 1"}` if a step ends by itself.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { openSync, rmSync } from 'node:fs'
import type { GuardedPlan } from './guardedProcess.ts'

const plan = JSON.parse(process.argv[2] ?? '{}') as GuardedPlan
const logDescriptor = openSync(plan.logFile, 'a')
let running: ChildProcess | undefined
let ending = false

const tell = (event: object): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

const cleanUp = (): void => {
  if (plan.disposableDir !== undefined) rmSync(plan.disposableDir, { recursive: true, force: true, maxRetries: 3 })
  process.exit(0)
}

const end = (): void => {
  if (ending) return
  ending = true
  if (running === undefined) return cleanUp()
  running.kill('SIGKILL')
}

const runStep = (index: number): void => {
  const [command, ...args] = plan.steps[index] ?? []
  if (command === undefined) return
  const child = spawn(command, args, { stdio: ['ignore', logDescriptor, logDescriptor] })
  running = child
  tell({ step: index, pid: child.pid })
  const gone = (how: string, ok: boolean): void => {
    running = undefined
    if (ending) cleanUp()
    else if (ok && index + 1 < plan.steps.length) runStep(index + 1)
    else tell({ exit: how })
  }
  child.once('error', error => gone(error.message, false))
  child.once('exit', (code, signal) => gone(signal ?? `code ${code ?? '?'}`, code === 0))
}

process.stdout.on('error', () => undefined)
process.stdin.on('end', end).on('close', end).on('error', end).resume()
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end)
runStep(0)
