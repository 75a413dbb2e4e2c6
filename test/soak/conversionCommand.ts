import type { Bed } from '../../sandbox/bed/bed.ts'
import { conversionSoak } from './conversionSoak.ts'
import type { ConversionResult } from './conversionSoak.ts'
import { runOrigin, writeSection } from './soakDocument.ts'

export interface ConversionFlags {
  readonly users: number
  readonly perSecond: number
  /** Writes its section of docs/soak.md. */
  readonly write: boolean
}

const NEWCOMERS_EVERY_MS = 10_000
const SHOWN_VIOLATIONS = 40

/** Runs a portfolio conversion and prints its section of the page. False when something does not hold; then nothing is written. */
export async function runConversion(bed: Bed, flags: ConversionFlags): Promise<boolean> {
  const { users, perSecond } = flags
  const origin = runOrigin()
  const result = await conversionSoak({
    brokers: bed.brokers,
    registryUrl: bed.registryUrl,
    users,
    perSecond,
    newcomersEveryMs: NEWCOMERS_EVERY_MS,
    log: line => void process.stderr.write(`${line}\n`),
  })
  const text = conversionSection(result, origin)
  process.stdout.write(`${text}\n`)
  for (const violation of result.violations.slice(0, SHOWN_VIOLATIONS)) process.stdout.write(`WRONG: ${violation}\n`)
  if (result.violations.length > 0) return false
  process.stdout.write('As promised.\n')
  if (flags.write) writeSection('conversion', text)
  return true
}

/** The section of docs/soak.md about one run that was as promised. */
export function conversionSection(result: ConversionResult, origin: string): string {
  const { users, perSecond, waits } = result
  const rows: readonly (readonly [string, string | number])[] = [
    ['users of the conversion', users],
    ['newcomers meanwhile, there and elsewhere', result.newcomers],
    ['kill -9', `1, ${(result.awayMs / 1_000).toFixed(1)} s until the next push`],
    ['duration, with what the kill left in doubt', `${result.seconds} s`],
    ['pushes per second at the merchant', `${result.measuredPerSecond.toFixed(1)} of ${perSecond}`],
    ['pushes', result.pushes],
    ['users of the conversion whose card landed', result.landed],
    ['started when the process was killed, never seen by Knot: NO_RESULT', result.withoutResult],
    ['most pushes in flight per user', result.inFlightMax],
    ['newcomers at the same merchant waited', spread(waits.there)],
    ['the same, while the conversion was still coming in', spread(waits.amidst)],
    ['newcomers at other merchants waited', spread(waits.elsewhere)],
  ]
  return [
    '## A portfolio conversion',
    '',
    'Every user has a new card at the same merchant at the same moment. The merchant is pushed at its rate, newcomers come every',
    `${NEWCOMERS_EVERY_MS / 1_000} s, there and at others, and the product is killed once. Each input is explained once and no card is pushed twice, or this is not`,
    'written. The same in small is in `npm test` (`test/broker/endToEnd/conversion.test.ts`).',
    '',
    `${origin}:`,
    '',
    '```sh',
    `npm run soak -- conversion --users ${users} --rate ${perSecond}`,
    '```',
    '',
    '| | |',
    '|---|---|',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    'Newcomers whom the kill met are not in the waits: nobody was there to serve them. Of a line the oldest and the newest are served in',
    'turn, so whoever comes while the conversion itself is still coming in stands in its middle.',
  ].join('\n')
}

function spread(waits: readonly number[]): string {
  const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? 0
  return `${at(0.5)} ms in the middle, ${waits.at(-1) ?? 0} ms at most (${waits.length})`
}
