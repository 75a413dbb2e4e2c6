/**
 * Long runs of the product on a real Kafka. Exits with 1 when one of them finds something wrong.
 *
 *   npm run soak -- membership [--minutes 60] [--pause 1000, ms between two changes of the membership] [--write]
 *       memory, handles, timers and listeners of an instance whose partitions come and go under load; --write: its section
 *       of docs/soak.md
 *   npm run soak -- faults [--users 20000] [--merchants 5] [--faults 0.2] [--kill-every 10, seconds] [--seed 1]
 *       [--minutes 60, no further users begin after that] [--write]
 *       a Knot that fails in every way it knows, and kill -9 of the product; --write: its section of docs/soak.md
 *   npm run soak -- conversion [--users 20000] [--rate 25, pushes per second at the one merchant] [--write]
 *       every user has a new card at the same merchant; newcomers meanwhile, kill -9 once; --write: its section of docs/soak.md
 */
import { parseArgs } from 'node:util'
import { startBed } from '../../sandbox/bed/bed.ts'
import type { Bed } from '../../sandbox/bed/bed.ts'
import { runConversion } from './conversionCommand.ts'
import { runFaults } from './faults/command.ts'
import { runMembership } from './membershipCommand.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '60' },
    pause: { type: 'string', default: '1000' },
    users: { type: 'string', default: '20000' },
    rate: { type: 'string', default: '25' },
    merchants: { type: 'string', default: '5' },
    faults: { type: 'string', default: '0.2' },
    'kill-every': { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  },
})
const [soak = 'membership'] = positionals

const SOAKS: Readonly<Record<string, (bed: Bed) => Promise<boolean>>> = {
  membership: bed =>
    runMembership(bed.brokers, {
      minutes: Number(values.minutes),
      pauseMs: Number(values.pause),
      write: values.write,
    }),
  faults: bed =>
    runFaults(bed, {
      users: Number(values.users),
      merchants: Number(values.merchants),
      faults: Number(values.faults),
      killEverySeconds: Number(values['kill-every']),
      seed: Number(values.seed),
      minutes: Number(values.minutes),
      write: values.write,
    }),
  conversion: bed =>
    runConversion(bed, { users: Number(values.users), perSecond: Number(values.rate), write: values.write }),
}

const run = SOAKS[soak]
if (run === undefined) {
  process.stderr.write(`There is no soak ${soak}: ${Object.keys(SOAKS).join(', ')}.\n`)
  process.exitCode = 64
} else {
  const bed = await startBed()
  try {
    if (!(await run(bed))) process.exitCode = 1
  } finally {
    await bed.stop()
  }
}
