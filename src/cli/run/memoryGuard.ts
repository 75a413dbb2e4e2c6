import { writeFileSync } from 'node:fs'
import inspector from 'node:inspector'
import type { Config } from '../../config/config.ts'
import { isLoopback } from '../../config/rules.ts'
import { CARD_ROLES } from '../../config/schema.ts'

/**
 * The process that holds cards would be readable from outside. `onfile` ends with exit code 78: whoever deploys it must
 * take the option away, from the command line or from NODE_OPTIONS.
 */
export class MemoryExposedError extends Error {
  override readonly name = 'MemoryExposedError'
  readonly code = 'MEMORY_EXPOSED'

  constructor(exposures: readonly string[]) {
    super(
      `The role provision holds cards in memory and does not start with ${exposures.join(', ')}: take it from the ` +
        'command line and from NODE_OPTIONS (it may be debugged only with vault and Knot on this machine, a sandbox)',
    )
  }
}

/** How this process was started, as far as its memory can be read by it. */
export interface ProcessFacts {
  /** Options of node before the script. */
  readonly options: readonly string[]
  readonly nodeOptions: string
  /** Of an inspector that listens. */
  readonly inspectorUrl: string | undefined
}

/** Options of node that write memory to a file or let others look into it. Compared with the part before `=`. */
const EXPOSING =
  /^--(?:inspect(?:-brk|-wait)?|cpu-prof|heap-prof|heapsnapshot-signal|heapsnapshot-near-heap-limit|report-on-fatalerror|report-on-signal|report-uncaught-exception|abort-on-uncaught-exception|experimental-network-inspection|trace-event-categories)$/

/** Ways in which what this process holds could get out, in words; empty where there is none. */
export function exposuresOf({ options, nodeOptions, inspectorUrl }: ProcessFacts): string[] {
  const given = [...options, ...nodeOptions.split(/\s+/)].map(option => option.split('=')[0]!.replaceAll('_', '-'))
  const found = new Set(given.filter(option => EXPOSING.test(option)))
  if (inspectorUrl !== undefined && ![...found].some(option => option.startsWith('--inspect')))
    found.add('an inspector')
  return [...found].sort()
}

/**
 * Closes what a process that holds cards can close by itself: a signal opens no inspector, and a core dump holds no
 * memory of its own (Linux; where that is not to be had, nothing happens). For the roles that see cards only.
 *
 * @throws MemoryExposedError where it was started with a way to look into it, unless vault and Knot are on this machine
 */
export function guardMemory(config: Config, facts: ProcessFacts = factsOfThisProcess()): void {
  if (!CARD_ROLES.some(role => config.roles.includes(role))) return
  const exposures = exposuresOf(facts)
  if (exposures.length > 0 && !isSandbox(config)) throw new MemoryExposedError(exposures)
  // Node gives SIGUSR1 to the inspector unless somebody listens to it. `--disable-sigusr1` covers the time before this.
  process.on('SIGUSR1', () => undefined)
  emptyCoreDumps()
}

function factsOfThisProcess(): ProcessFacts {
  return { options: process.execArgv, nodeOptions: process.env.NODE_OPTIONS ?? '', inspectorUrl: inspector.url() }
}

/** Not the vault alone: a proxy beside the process (a sidecar) stands at loopback too, before real cards. */
function isSandbox({ vault, knot }: Config): boolean {
  const isHere = (url: string | null) => url !== null && isLoopback(new URL(url).hostname)
  return isHere(vault.url) && isHere(knot.url) && (knot.secureUrl === null || isHere(knot.secureUrl))
}

/** No kind of mapping is written into a dump: also where the kernel pipes it to a collector, which ignores the limit. */
function emptyCoreDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0')
  } catch {
    // No such file: not Linux, or /proc is not there. `ulimit -c 0` and the platform remain (docs/pci.md).
  }
}
