import { availableParallelism } from 'node:os'
import type { Resources } from '../support/chain/workerProtocol.ts'
import type { Allowance } from './leaks.ts'
import { membershipSoak } from './membershipSoak.ts'
import type { SoakResult } from './membershipSoak.ts'
import { runOrigin, writeSection } from './soakDocument.ts'

export interface MembershipFlags {
  readonly minutes: number
  /** Between two changes of the membership. */
  readonly pauseMs: number
  /** Writes its section of docs/soak.md. */
  readonly write: boolean
}

/** As in the Dockerfile; the caller's own come first. And with leave to collect garbage: what nobody holds is not to be counted. */
export const IMAGE_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  NODE_OPTIONS: '--max-semi-space-size=16 --expose-gc',
}
const LOSS_ROW = /^\| records lost or doubled .*\n/m
const MIB = 1 << 20
/** Over half an hour with some 670 rebalances: 1.6 KB of each that stay would be seen. */
const ALLOWANCE: Allowance = { bytes: MIB, count: 1 }

const NAMES: Readonly<Record<keyof Resources, string>> = {
  rssBytes: 'resident memory, MiB',
  heapUsedBytes: 'heap in use, MiB',
  bufferBytes: 'buffers outside of the heap, MiB',
  handles: 'handles: sockets, files, running requests',
  timers: 'timers',
  listeners: 'listeners of the signal or socket that has the most',
}

/**
 * Runs the soak of the membership, in the environment of the image, and prints its section of the page. False when
 * something rises: the section says so, and is written all the same. Where the output is not exact this throws.
 */
export async function runMembership(brokers: string, flags: MembershipFlags): Promise<boolean> {
  const { minutes, pauseMs, write } = flags
  Object.assign(process.env, { ...IMAGE_ENVIRONMENT, ...process.env })
  // Of the tree that runs, whatever is committed meanwhile.
  const origin = runOrigin()
  const command = `npm run soak -- membership --minutes ${minutes} --pause ${pauseMs}`
  const section = (result: SoakResult): string => membershipSection(result, origin, command)
  const result = await membershipSoak(brokers, minutes * 60, ALLOWANCE, pauseMs, measured => {
    // What is lost is not known yet.
    process.stdout.write(`${section(measured).replace(LOSS_ROW, '')}\n`)
  })
  process.stdout.write('Output exact.\n')
  if (write) writeSection('membership', section(result))
  return !result.growth.some(({ isLeak }) => isLeak)
}

/** The section of docs/soak.md about one run whose output was exact. */
export function membershipSection(result: SoakResult, origin: string, command: string): string {
  const { growth, seconds, records } = result
  const rows: readonly (readonly [string, string])[] = [
    ['duration', `${seconds} s`],
    ['machine', `${availableParallelism()} processors, mean load ${result.load.toFixed(1)}`],
    ['rebalances', String(result.rebalances)],
    ['records', `${records}, ${Math.round(records / Math.max(1, seconds))} per second`],
    ['commits of the instance that stays', String(result.commits)],
    ['records lost or doubled', '0'],
  ]
  const tenths = growth.map(({ resource, rise, isLeak }) => {
    const shown = (value: number): string => valueOf(resource, value)
    return [NAMES[resource], ...result.leastByTenth[resource].map(shown), shown(rise), verdict(isLeak)]
  })
  return [
    '## Partitions that come and go',
    '',
    'One instance stays under load; another joins, has half of the partitions, leaves, and so on. Each turn takes stores, sockets,',
    'timers and listeners away and brings them back. Environment and flags are those of the image (`MALLOC_…`, `--max-semi-space-size`), and garbage',
    'is collected every 5 s, so that what is counted is what is held.',
    'The output is judged as everywhere (`test/support/chain/oracle.ts`): where a record is lost or doubled, this is not written. The same in',
    'small is in `npm test` (`test/broker/engine/leaks.test.ts`): in 25 s it sees handles, timers and listeners, and of memory only what is gross.',
    '',
    `${origin}:`,
    '',
    '```sh',
    command,
    '```',
    '',
    '| | |',
    '|---|---|',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    'The least of each tenth of the time, in the instance that stays. The slope over the last half decides (the median of the slopes between any two',
    `of its tenths): more than ${ALLOWANCE.bytes / MIB} MiB and one percent in that half, or more than ${ALLOWANCE.count} of what is counted, is RISES: it has not come to an end within the time.`,
    '',
    '| | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | rise in the last half | |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...tenths.map(cells => `| ${cells.join(' | ')} |`),
  ].join('\n')
}

function valueOf(resource: keyof Resources, value: number): string {
  if (!resource.endsWith('Bytes')) return String(Number(value.toFixed(1)))
  return (value / MIB).toFixed(resource === 'rssBytes' ? 0 : 1).replace(/^-(0(\.0)?)$/, '$1')
}

function verdict(isLeak: boolean): string {
  return isLeak ? 'RISES' : 'flat'
}
