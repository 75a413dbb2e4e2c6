import type { Bed } from '../../../sandbox/bed/bed.ts'
import { faultsSoak } from '../faultsSoak.ts'
import { runOrigin, writeSection } from '../soakDocument.ts'
import { faultsSection } from './page.ts'

export interface FaultsFlags {
  readonly users: number
  readonly merchants: number
  readonly faults: number
  readonly killEverySeconds: number
  readonly seed: number
  /** No further users begin after that. */
  readonly minutes: number
  /** Writes its section of docs/soak.md. */
  readonly write: boolean
}

/** The backlog of a run on a small machine stays below this. */
const HARD_SECONDS = 150
const SHOWN_VIOLATIONS = 40

/** Runs the soak with faults and prints its section of the page. False when something does not hold; then nothing is written. */
export async function runFaults(bed: Bed, flags: FaultsFlags): Promise<boolean> {
  const { users, merchants, faults, killEverySeconds, seed, minutes } = flags
  // Of the tree that runs, whatever is committed meanwhile.
  const origin = runOrigin()
  const { figures, violations, stories } = await faultsSoak({
    brokers: bed.brokers,
    registryUrl: bed.registryUrl,
    users,
    merchants,
    faults,
    killEveryMs: killEverySeconds * 1_000,
    kills: { least: 1, most: Number.POSITIVE_INFINITY },
    windows: { everyMs: 30_000, forMs: 4_000 },
    seed,
    usersAtOnce: 200,
    hardSeconds: HARD_SECONDS,
    admitForMs: minutes * 60_000,
    settleWithinMs: 900_000,
    partitions: 2,
    log: line => void process.stderr.write(`${line}\n`),
  })
  const text = faultsSection(figures, {
    origin,
    minutes,
    command:
      `npm run soak -- faults --users ${users} --merchants ${merchants} --faults ${faults} ` +
      `--kill-every ${killEverySeconds} --seed ${seed} --minutes ${minutes}`,
  })
  process.stdout.write(`${text}\n`)
  for (const violation of violations.slice(0, SHOWN_VIOLATIONS)) process.stdout.write(`WRONG: ${violation}\n`)
  for (const line of stories) process.stdout.write(`${line}\n`)
  process.stdout.write(violations.length === 0 ? 'As promised.\n' : `${violations.length} violations.\n`)
  if (violations.length > 0) return false
  if (flags.write) writeSection('faults', text)
  return true
}
