import { describe, it } from 'vitest'
import type { Shown } from '../support/chain/oracle.ts'
import type { Row } from './rows.ts'

export type Protocol = 'v1' | 'v2'

/** What a case runs against. */
export interface Site {
  readonly brokers: string
  readonly kafkaVersion: string
  readonly protocol: Protocol
  /** Told at the end of a run of the chain topology; of several runs the last one counts. */
  readonly shown: (what: Shown) => void
}

/** Counts what a case has really done to the system, by the fault's name. */
export class Faults {
  readonly counts: Record<string, number> = {}

  add(fault: string, times = 1): void {
    this.counts[fault] = (this.counts[fault] ?? 0) + times
  }
}

/** Forces one failure on a real broker and rejects when the outcome is not exactly once or not what it shall be. */
export interface ConformanceCase {
  readonly row: Row
  readonly name: string
  /** Where only one of the transaction protocols can meet it. */
  readonly protocols?: readonly Protocol[]
  /** Default 90 s. */
  readonly timeoutMs?: number
  readonly run: (site: Site, faults: Faults) => Promise<void>
}

/** What a test of this suite leaves for the reporter. */
export interface ConformanceResult {
  readonly row: Row
  readonly protocol: Protocol
  readonly kafkaVersion: string
  readonly faults: Readonly<Record<string, number>>
  readonly shown: Shown
}

declare module 'vitest' {
  interface TaskMeta {
    conformance?: ConformanceResult
  }
}

/** Makes a test of each case, for each protocol, on one cluster. */
export function conform(
  cases: readonly ConformanceCase[],
  on: { readonly brokers: () => string; readonly kafkaVersion: string; readonly protocols?: readonly Protocol[] },
): void {
  const { kafkaVersion, protocols = ['v1', 'v2'] } = on
  describe.each(protocols)(`Kafka ${kafkaVersion}, transactions %s`, protocol => {
    const met = cases.filter(one => one.protocols?.includes(protocol) ?? true)
    for (const { row, name, timeoutMs = 90_000, run } of met) {
      it(name, { timeout: timeoutMs, retry: 0 }, async ({ task }) => {
        const faults = new Faults()
        // Where no run came to its end nothing has been exact.
        let last: Shown = 'stopped as said'
        const shown = (what: Shown) => void (last = what)
        try {
          await run({ brokers: on.brokers(), kafkaVersion, protocol, shown }, faults)
        } finally {
          task.meta.conformance = { row, protocol, kafkaVersion, faults: faults.counts, shown: last }
        }
      })
    }
  })
}

/** Picks cases by name, for a sample. Throws for a name that is not there. */
export function pick(cases: readonly ConformanceCase[], ...names: readonly string[]): ConformanceCase[] {
  return names.map(name => {
    const found = cases.find(one => one.name === name)
    if (found === undefined) throw new Error(`no case is named "${name}"`)
    return found
  })
}
