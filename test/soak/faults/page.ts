import type { Counts, FaultsFigures } from './figures.ts'

/** When, with what and how a run was made. */
export interface RunOrigin {
  /** Date, commit, versions. */
  readonly origin: string
  readonly command: string
  /** No further users began after that. */
  readonly minutes: number
}

/** The section of docs/soak.md about one run that was as promised. */
export function faultsSection(figures: FaultsFigures, { origin, command, minutes }: RunOrigin): string {
  const faultCount = total(figures.faults)
  const rows: readonly (readonly [string, string | number])[] = [
    ['users x merchants', `${figures.users} x ${figures.merchants}`],
    ['kill -9', `${figures.kills}, of them ${figures.killsWhenReady} of a process that was ready`],
    ['duration', `${figures.seconds} s`],
    ['machine', `${figures.processors} processors, mean load ${figures.load.toFixed(1)}`],
    ['records of the issuer, webhooks, orders', figures.inputs],
    ['orders of operators', listed(figures.orders)],
    ['logins of users at a merchant', figures.logins],
    ['windows in which nobody was served', listed(figures.outages)],
    ['pushes that reached Knot', figures.pushes],
    ['of them accepted', figures.landed],
    [
      'accepted, but answered with 503',
      `${figures.hidden}, of them followed by another one ${figures.hiddenAndRepeated}`,
    ],
    ['pushes with a fault', faultCount],
    ['reads with a fault', total(figures.readFaults)],
    ['webhooks sent', figures.webhooks],
    ['commands', listed(figures.commands)],
    ['outcomes', `${figures.outcomes}: ${listed(figures.told)}`],
    ['success on which attempt', listed(figures.updatedOnAttempt)],
    ['dead letters', figures.deadLetters],
    ['most pushes in flight per (user, merchant)', figures.inFlightMax],
    ['**inputs without an explanation**', figures.unexplained],
    ['**inputs explained twice**', figures.explainedTwice],
    ['**attempts still open**', figures.open],
    ['**pushes after their suppression**', figures.afterSuppression],
    ['largest resident memory of the product', `${Math.round(figures.residentMaxBytes / 2 ** 20)} MiB`],
    ['largest resident memory of the run itself', `${Math.round(figures.ownResidentMaxBytes / 2 ** 20)} MiB`],
  ]
  return [
    '## Faults and kills',
    '',
    'The whole product on a real Kafka, against a Knot that fails in every way the simulator knows, killed with SIGKILL all the',
    'while and started again at once; merchants refuse for every class of reason, users log in again, operators give orders. The',
    'checks are those of `test/soak/faults/faultsOracle.ts`: any violation, and this is not written. The same in small is in `npm test` (`test/broker/endToEnd/faults.test.ts`).',
    '',
    `${origin}:`,
    '',
    '```sh',
    command,
    '```',
    '',
    ...(figures.users < figures.usersAsked
      ? [`No further users began after ${minutes} minutes: ${figures.users} of ${figures.usersAsked} did.`, '']
      : []),
    'Every fourth process is killed after a quarter of that time, mostly while it takes over.',
    '',
    '| | |',
    '|---|---|',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    'A push whose connection closes before its body is read counts as a push, but at no user: what was in flight is seen from the body on.',
    'A push that Knot takes and answers with 503 has to be believed: the next one meets a busy account, or lands as well.',
    '',
    '### How it ended',
    '',
    'The last final outcome of each record of the issuer, per merchant.',
    '',
    table('outcome', figures.ends),
    '',
    '### What went wrong',
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
