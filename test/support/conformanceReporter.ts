import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import type { ConformanceResult } from '../conformance/case.ts'
import { ROWS } from '../conformance/rows.ts'
import type { Row } from '../conformance/rows.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = `${root}test/conformance/`
const document = `${root}docs/conformance.md`

interface Outcome extends ConformanceResult {
  readonly name: string
  readonly passed: boolean
  readonly durationMs: number
}

/** Writes `docs/conformance.md` from a whole run of the conformance suite; a part of it leaves the page as it was. */
export class ConformanceReporter implements Reporter {
  private startedMs = 0

  onTestRunStart(): void {
    this.startedMs = Date.now()
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const ran = new Set(modules.map(module => relative(folder, module.moduleId)))
    const missing = readdirSync(folder).filter(name => name.endsWith('.test.ts') && !ran.has(name))
    const outcomes: Outcome[] = []
    let withoutResult = 0
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const outcome = outcomeOf(test)
        if (outcome === null) withoutResult++
        else outcomes.push(outcome)
      }
    }
    if (missing.length > 0 || withoutResult > 0) {
      const why = missing.length > 0 ? `not run: ${missing.join(', ')}` : `${withoutResult} cases did not run`
      process.stdout.write(`docs/conformance.md stays as it is; ${why}\n`)
      return
    }
    writeFileSync(document, pageOf(outcomes, Date.now() - this.startedMs))
    process.stdout.write('docs/conformance.md written\n')
    const unforced = rows().filter(row => !outcomes.some(outcome => outcome.row === row))
    if (unforced.length === 0) return
    process.stdout.write(`no case forces ${unforced.map(row => `"${ROWS[row]}"`).join(', ')}\n`)
    process.exitCode = 1
  }
}

function outcomeOf(test: TestCase): Outcome | null {
  const { conformance } = test.meta()
  if (conformance === undefined) return null
  const durationMs = test.diagnostic()?.duration ?? 0
  return { ...conformance, name: test.name, passed: test.result().state === 'passed', durationMs }
}

function pageOf(outcomes: readonly Outcome[], durationMs: number): string {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
  const brokers = [...new Set(outcomes.map(({ kafkaVersion }) => kafkaVersion))].sort()
  const failed = outcomes.filter(({ passed }) => !passed)
  const minutes = Math.round(durationMs / 60_000)
  return [
    '# Conformance',
    '',
    '<!-- Written by `npm run conformance`. Do not edit. -->',
    '',
    'Each row of the failure tables of [design.md](design.md), sections 2 to 4, with the cases that force it on a real',
    "broker. The witness is Apache Kafka's own Java consumer, read_committed: every record extends a hash chain of its key,",
    'so that a lost, doubled or reordered record breaks it; effects and timers must have been written exactly once.',
    '',
    '| | |',
    '|---|---|',
    `| date | ${new Date().toISOString().slice(0, 10)} |`,
    `| onfile | ${version} |`,
    `| Kafka | ${brokers.join(', ')} |`,
    `| Node | ${process.versions.node} |`,
    '| protocols | V1, and V2 (KIP-890) where the broker has it |',
    `| cases | ${outcomes.length}, of them failed: ${failed.length} |`,
    `| injected faults | ${countFaults(outcomes)} |`,
    `| duration | ${minutes} min |`,
    '',
    ...(failed.length === 0 ? [] : ['## Failed', '', ...failed.map(lineOfFailed), '']),
    '## Rows',
    '',
    '| row of design.md | cases | injected faults | verdict |',
    '|---|---|---|---|',
    ...rows().map(row => lineOfRow(row, outcomes)),
    '',
    '## Cases',
    '',
    'How often each case ran is the number of brokers and protocols that it ran on.',
    '',
    '| case | ran on | injected faults | longest, s | verdict |',
    '|---|---|---|---|---|',
    ...casesOf(outcomes),
    '',
    '## Not forced',
    '',
    'SIGKILL of the only broker of a cluster, under either protocol. Under V2, Kafka 4.3.1 now and again completes a transaction after',
    'its restart (CompleteCommit in __transaction_state) without ever writing its marker to __consumer_offsets. The offset',
    'stays unstable for good, and the partition waits in `locking` with UNSTABLE_OFFSET_COMMIT as its visible reason: nothing',
    'is lost or doubled, but only the owner of the cluster can end it. It was not seen with three brokers.',
    '',
  ].join('\n')
}

const rows = (): Row[] => Object.keys(ROWS) as Row[]

function lineOfFailed({ name, kafkaVersion, protocol }: Outcome): string {
  return `- ${name} (Kafka ${kafkaVersion}, ${protocol})`
}

function lineOfRow(row: Row, outcomes: readonly Outcome[]): string {
  const ofRow = outcomes.filter(outcome => outcome.row === row)
  return `| ${ROWS[row]} | ${ofRow.length} | ${countFaults(ofRow)} | ${verdictOf(ofRow)} |`
}

function casesOf(outcomes: readonly Outcome[]): string[] {
  const byName = Map.groupBy(
    outcomes.toSorted((a, b) => rows().indexOf(a.row) - rows().indexOf(b.row)),
    ({ name }) => name,
  )
  return [...byName].map(([name, same]) => {
    const ranOn = [...new Set(same.map(({ kafkaVersion, protocol }) => `${kafkaVersion} ${protocol}`))].join(', ')
    const longestMs = Math.max(...same.map(({ durationMs }) => durationMs))
    return `| ${name} | ${ranOn} | ${faultsOf(same)} | ${Math.round(longestMs / 1_000)} | ${verdictOf(same)} |`
  })
}

function faultsOf(outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>()
  for (const { faults } of outcomes) {
    for (const [fault, count] of Object.entries(faults)) counts.set(fault, (counts.get(fault) ?? 0) + count)
  }
  return counts.size === 0 ? 'none' : [...counts].map(([fault, count]) => `${fault}: ${count}`).join('; ')
}

function verdictOf(outcomes: readonly Outcome[]): string {
  const failed = outcomes.filter(({ passed }) => !passed).length
  if (outcomes.length === 0) return 'no case'
  return failed === 0 ? 'exact' : `${failed} failed`
}

function countFaults(outcomes: readonly Outcome[]): number {
  return outcomes.flatMap(({ faults }) => Object.values(faults)).reduce((sum, count) => sum + count, 0)
}
