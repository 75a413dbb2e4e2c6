/**
 * `npm start`: onfile on a real Kafka, with a stream of sample events, and an account of what happened. Ends by itself,
 * with exit code 1 where something does not add up; `npm start -- --keep` leaves everything running until Ctrl-C.
 */
import { parseArgs } from 'node:util'
import { BedStartError, BedUnavailableError } from '../bed/errors.ts'
import { CleanUp } from './cleanUp.ts'
import { runDemo } from './demo.ts'
import { keepOpen } from './keep.ts'
import { ProductError } from './product.ts'
import { paintFor } from './terminal.ts'

const { values: flags } = parseArgs({ options: { keep: { type: 'boolean', default: false } } })
const cleanUp = new CleanUp(message => console.error(message))
const paint = paintFor(process.stdout)
const interrupted = Promise.withResolvers<NodeJS.Signals>()
let endOfKeeping: number | undefined

/** One Ctrl-C may come twice: from the terminal and from npm. A later one means that somebody is tired of waiting. */
const SAME_SIGNAL_MS = 1_000
let firstSignalAtMs: number | undefined

const onSignal = (signal: NodeJS.Signals): void => {
  firstSignalAtMs ??= Date.now()
  if (Date.now() - firstSignalAtMs > SAME_SIGNAL_MS) process.exit(1)
  interrupted.resolve(signal)
}
process.on('SIGINT', onSignal).on('SIGTERM', onSignal)

const demo = async (): Promise<number> => {
  const { systems, problems } = await runDemo({ keep: flags.keep, write: text => console.log(text), paint, cleanUp })
  if (flags.keep) {
    for (const line of await keepOpen(systems, cleanUp, paint)) console.log(line)
    endOfKeeping = problems.length === 0 ? 0 : 1
    await Promise.race([interrupted.promise, systems.product.died])
  }
  return problems.length === 0 ? 0 : 1
}

/** A signal ends it early, but for `--keep`, where it is the only end there is. */
const interruption = async (): Promise<number> => {
  const signal = await interrupted.promise
  console.log('\nEnding everything ...')
  return endOfKeeping ?? (signal === 'SIGINT' ? 130 : 143)
}

const failure = (error: unknown): number => {
  const isKnown =
    error instanceof BedStartError || error instanceof BedUnavailableError || error instanceof ProductError
  console.error(isKnown ? `\n${error.message}` : error)
  return error instanceof BedUnavailableError ? error.exitCode : 1
}

const exitCode = await Promise.race([demo().catch(failure), interruption()])
await cleanUp.run()
process.exit(exitCode)
