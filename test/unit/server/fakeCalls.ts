import { pino } from 'pino'
import type { Logger } from 'pino'
import { Pauses } from '../../../src/engine/pauses.ts'
import type { AdminCalls, UserAnswer } from '../../../src/server/adminCalls.ts'
import { LogLevelSwitch } from '../../../src/server/logLevelSwitch.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { LogLevels } from '../../../src/telemetry/logLevels.ts'

export const TOKEN = 'a-token-of-the-tests-of-32-characters'

/** Admin calls without a product behind them, and what was logged. */
export interface FakeCalls extends AdminCalls {
  readonly log: Logger
  readonly lines: Record<string, unknown>[]
  given: { token: string | null; user: UserAnswer | null; started: boolean }
  readonly asked: string[]
}

/** DECIDE with partitions 0 and 2 of `events`, PROVISION with 0 of `commands`. */
export function fakeCalls(): FakeCalls {
  const lines: Record<string, unknown>[] = []
  const levels = new LogLevels('info')
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  const log = createLog({ level: 'info', destination, levels })
  const silent = pino({ level: 'silent' })
  const pausesOf = (role: string, topic: string, partitions: readonly number[]): [string, Pauses] => {
    const tasks = partitions.map(partition => ({ topic, partition, wake: () => undefined }))
    return [role, new Pauses({ role, inputs: [topic], tasks: () => tasks, log: silent })]
  }
  const all = new Map([pausesOf('decide', 'events', [0, 2]), pausesOf('provision', 'commands', [0])])
  const calls: FakeCalls = {
    lines,
    log,
    asked: [],
    given: { token: TOKEN, user: { kind: 'unknown', partition: 1 }, started: true },
    token: () => calls.given.token,
    logLevel: new LogLevelSwitch(levels, log),
    pauses: () => (calls.given.started ? all : new Map()),
    user: id => {
      calls.asked.push(id)
      return Promise.resolve(calls.given.started ? calls.given.user : null)
    },
  }
  return calls
}
