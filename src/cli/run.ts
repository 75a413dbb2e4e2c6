import type { Config } from '../config/config.ts'
import { LogLevelSwitch } from '../server/logLevelSwitch.ts'
import { createLog } from '../telemetry/log.ts'
import { LogLevels } from '../telemetry/logLevels.ts'
import { takeOverSignals } from './earlySignals.ts'
import { EXIT } from './exitCodes.ts'
import type { ExitCode } from './exitCodes.ts'
import { codeOf } from './failure.ts'
import { leaveAtOnce } from './leaveAtOnce.ts'
import { guardMemory } from './run/memoryGuard.ts'
import { OnfileProcess } from './run/onfileProcess.ts'
import { ShutdownWatch } from './run/shutdownWatch.ts'
import { tellUncaughtBy } from './uncaught.ts'

const UNCAUGHT = 'a defect: an error that nobody caught ends the process, report it to the developers'

/**
 * `onfile run`: the roles of this process until SIGTERM or SIGINT. What is missing outside (a broker, the registry, a
 * topic) is waited for and said in `/startupz`; what is definitely wrong ends it with exit code 78. The first signal
 * drains within `shutdown.deadline` and exits 0; where something hangs beyond that it says what, and exits 1. The second
 * signal exits at once.
 */
export async function runOnfile(config: Config): Promise<ExitCode> {
  guardMemory(config)
  const levels = new LogLevels(config.log.level)
  const log = createLog({ level: config.log.level, pretty: config.log.pretty, levels })
  // Not by the log itself: its pretty form needs a turn of the event loop for each line, and there is none left.
  const lastLine = createLog({ level: 'fatal' })
  tellUncaughtBy(error => lastLine.fatal({ err: error, code: codeOf(error) ?? undefined }, UNCAUGHT))
  const stop = new AbortController()
  const running = new OnfileProcess(config, log, new LogLevelSwitch(levels, log), stop.signal)
  const watch = new ShutdownWatch({
    deadlineMs: config.shutdown.deadline,
    log,
    unfinished: () => running.unfinished(),
    leave: () => leaveAtOnce(EXIT.failed),
  })
  const onSignal = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) {
      log.warn({ signal }, 'second signal: leaving at once; the next owner continues from the last commit')
      leaveAtOnce(EXIT.failed)
    }
    log.info({ signal }, 'stopping: finishing what runs')
    watch.begin()
    stop.abort()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  takeOverSignals()
  const exitCode = await running.run(() => watch.begin())
  watch.close()
  // What was left behind may hang in a file, and `process.exit` would wait for it.
  if (running.leftBehind) leaveAtOnce(exitCode)
  return exitCode
}
