import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Bed } from '../../../sandbox/bed/bed.ts'
import { KAFKA_VERSION } from '../../../sandbox/bed/versions.ts'
import { faultsSoak } from '../faultsSoak.ts'
import { soakPage } from './page.ts'

export interface FaultsFlags {
  readonly users: number
  readonly merchants: number
  readonly faults: number
  readonly killEverySeconds: number
  readonly seed: number
  /** No further users begin after that. */
  readonly minutes: number
  /** Writes docs/soak.md. */
  readonly write: boolean
}

/** The backlog of a run on a small machine stays below this. */
const HARD_SECONDS = 150
const SHOWN_VIOLATIONS = 40

const page = fileURLToPath(new URL('../../../docs/soak.md', import.meta.url))
const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Runs the soak with faults and prints its page. False when something does not hold; then nothing is written. */
export async function runFaults(bed: Bed, flags: FaultsFlags): Promise<boolean> {
  const { users, merchants, faults, killEverySeconds, seed, minutes } = flags
  const { figures, violations } = await faultsSoak({
    brokers: bed.brokers,
    registryUrl: bed.registryUrl,
    users,
    merchants,
    faults,
    killEveryMs: killEverySeconds * 1_000,
    kills: { least: 1, most: Number.POSITIVE_INFINITY },
    windows: { everyMs: 30_000, forMs: 4_000 },
    seed,
    usersAtOnce: 150,
    hardSeconds: HARD_SECONDS,
    admitForMs: minutes * 60_000,
    settleWithinMs: 900_000,
    partitions: 2,
    log: line => void process.stderr.write(`${line}\n`),
  })
  const text = soakPage(figures, {
    date: new Date().toISOString().slice(0, 10),
    versions: `commit ${commit()}, Node ${process.versions.node}, Kafka ${KAFKA_VERSION}`,
    minutes,
    command:
      `npm run soak -- faults --users ${users} --merchants ${merchants} --faults ${faults} ` +
      `--kill-every ${killEverySeconds} --seed ${seed} --minutes ${minutes}`,
  })
  process.stdout.write(`${text}\n`)
  for (const violation of violations.slice(0, SHOWN_VIOLATIONS)) process.stdout.write(`WRONG: ${violation}\n`)
  process.stdout.write(violations.length === 0 ? 'As promised.\n' : `${violations.length} violations.\n`)
  if (violations.length > 0) return false
  if (flags.write) writeFileSync(page, text)
  return true
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
}
