/**
 * Long runs of the product on a real Kafka. Exits with 1 when one of them finds something wrong.
 *
 *   npm run soak -- membership [--minutes 60] [--pause 1000, ms between two changes of the membership]
 *       memory, handles and timers of an instance whose partitions come and go under load
 *   npm run soak -- faults [--users 20000] [--merchants 5] [--faults 0.2] [--kill-every 10, seconds] [--seed 1]
 *       [--minutes 60, no further users begin after that] [--write]
 *       a Knot that fails in every way it knows, and kill -9 of the product; --write: its section of docs/soak.md
 */
import { parseArgs } from 'node:util'
import { startBed } from '../../sandbox/bed/bed.ts'
import { runFaults } from './faults/command.ts'
import { runMembership } from './membershipCommand.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '60' },
    pause: { type: 'string', default: '1000' },
    users: { type: 'string', default: '20000' },
    merchants: { type: 'string', default: '5' },
    faults: { type: 'string', default: '0.2' },
    'kill-every': { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  },
})
const [soak = 'membership'] = positionals

if (soak !== 'membership' && soak !== 'faults') {
  process.stderr.write(`There is no soak ${soak}: membership or faults.\n`)
  process.exitCode = 64
} else {
  const bed = await startBed()
  try {
    const isWell =
      soak === 'membership'
        ? await runMembership(bed.brokers, Number(values.minutes), Number(values.pause))
        : await runFaults(bed, {
            users: Number(values.users),
            merchants: Number(values.merchants),
            faults: Number(values.faults),
            killEverySeconds: Number(values['kill-every']),
            seed: Number(values.seed),
            minutes: Number(values.minutes),
            write: values.write,
          })
    if (!isWell) process.exitCode = 1
  } finally {
    await bed.stop()
  }
}
