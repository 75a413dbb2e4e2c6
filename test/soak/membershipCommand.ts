import { membershipSoak } from './membershipSoak.ts'
import type { SoakResult } from './membershipSoak.ts'

/** As in the Dockerfile; `MALLOC_…` of the caller's environment come first. */
const IMAGE_ENVIRONMENT = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072' }

/** Runs the soak of the membership, in the environment of the image, and prints what it measured. False when something grows. */
export async function runMembership(brokers: string, minutes: number, pauseMs: number): Promise<boolean> {
  Object.assign(process.env, { ...IMAGE_ENVIRONMENT, ...process.env })
  const allowance = { bytes: 24 << 20, count: 2 }
  const result = await membershipSoak(brokers, minutes * 60, allowance, pauseMs, show)
  process.stdout.write('Output exact.\n')
  return !result.growth.some(({ isLeak }) => isLeak)
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
