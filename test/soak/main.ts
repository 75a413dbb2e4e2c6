/**
 * Memory, handles and timers of an instance whose partitions come and go under load, for as long as asked. Exits with 1
 * when one of them grows.
 *
 *   npm run soak -- [--minutes 60] [--pause 1000, ms between two changes of the membership]
 */
import { parseArgs } from 'node:util'
import { startBed } from '../../sandbox/bed/bed.ts'
import { membershipSoak } from './membershipSoak.ts'
import type { SoakResult } from './membershipSoak.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, pause: { type: 'string', default: '1000' } },
})

const bed = await startBed()
try {
  const allowance = { bytes: 24 << 20, count: 2 }
  const seconds = Number(values.minutes) * 60
  const result = await membershipSoak(bed.brokers, seconds, allowance, Number(values.pause), show)
  process.stdout.write('Output exact.\n')
  if (result.growth.some(({ isLeak }) => isLeak)) process.exitCode = 1
} finally {
  await bed.stop()
}

function show(result: SoakResult): void {
  const date = new Date().toISOString().slice(0, 10)
  process.stdout.write(`${date}, Node ${process.versions.node}: ${result.seconds} s under load, `)
  process.stdout.write(`${result.rebalances} rebalances, ${result.commits} commits\n\n`)
  process.stdout.write('| resource | early | late | |\n|---|---|---|---|\n')
  for (const { resource, early, late, isLeak } of result.growth) {
    const text = (value: number) => (resource.endsWith('Bytes') ? `${(value / 2 ** 20).toFixed(1)} MiB` : String(value))
    process.stdout.write(`| ${resource} | ${text(early)} | ${text(late)} | ${isLeak ? 'GROWS' : 'flat'} |\n`)
  }
  const tenths = result.residentByTenth.map(bytes => Math.round(bytes / 2 ** 20))
  process.stdout.write(`\nResident memory by tenth of the time, MiB: ${tenths.join(' ')}\n`)
}
