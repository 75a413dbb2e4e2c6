import type { Counts, FaultsFigures } from './figures.ts'

/** When, with what and how a run was made. */
export interface RunOrigin {
  readonly date: string
  readonly versions: string
  readonly command: string
  /** What else a reader should know of this run; empty: nothing. */
  readonly note: string
}

/** `docs/soak.md`: the figures of one run that was as promised. */
export function soakPage(figures: FaultsFigures, { date, versions, command, note }: RunOrigin): string {
  const faultCount = total(figures.faults)
  const rows: readonly (readonly [string, string | number])[] = [
    ['users x merchants', `${figures.users} x ${figures.merchants}`],
    ['kill -9', `${figures.kills}, of them ${figures.killsWhenReady} of a process that was ready`],
    ['duration', `${figures.seconds} s`],
    ['records of the issuer and webhooks', figures.inputs],
    ['pushes that reached Knot', figures.pushes],
    ['of them accepted', figures.landed],
    ['pushes with a fault', faultCount],
    ['reads with a fault', total(figures.readFaults)],
    ['webhooks sent', figures.webhooks],
    ['commands', listed(figures.commands)],
    ['outcomes', figures.outcomes],
    ['dead letters', figures.deadLetters],
    ['most pushes in flight per (user, merchant)', figures.inFlightMax],
    ['**inputs without an explanation**', figures.unexplained],
    ['**inputs explained twice**', figures.explainedTwice],
    ['**attempts still open**', figures.open],
    ['**pushes after their suppression**', figures.afterSuppression],
    ['largest resident memory of the product', `${Math.round(figures.residentMaxBytes / 2 ** 20)} MiB`],
  ]
  return [
    '# Soak',
    '',
    '<!-- Written by `npm run soak -- faults --write`. Do not edit. -->',
    '',
    'The whole product on a real Kafka, against a Knot that fails in every way the simulator knows, killed with SIGKILL all the',
    'while and started again at once. The checks are those of `test/soak/faults/faultsOracle.ts`: any violation, and this page is',
    'not written. The same in small is in `npm test` (`test/broker/endToEnd/faults.test.ts`).',
    '',
    `${date}, ${versions}:`,
    '',
    '```sh',
    command,
    '```',
    '',
    ...(note === '' ? [] : [note, '']),
    '| | |',
    '|---|---|',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    'A push whose connection closes before its body is read counts as a push, but at no user: what was in flight is seen from the body on.',
    '',
    '## How it ended',
    '',
    'The last final outcome of each record of the issuer, per merchant.',
    '',
    table('outcome', figures.ends),
    '',
    '## Faults',
    '',
    table('fault of a push', figures.faults),
    '',
    table('fault of a read', figures.readFaults),
    '',
  ].join('\n')
}

function table(name: string, counts: Counts): string {
  const rows = [...counts].map(([kind, count]) => `| ${kind} | ${count} |`)
  return [`| ${name} | |`, '|---|---|', ...rows].join('\n')
}

function listed(counts: Counts): string {
  return [...counts].map(([kind, count]) => `${kind} ${count}`).join(', ')
}

function total(counts: Counts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}
