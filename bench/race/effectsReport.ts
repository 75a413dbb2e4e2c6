import type { EffectsRun } from './effectsSide.ts'
import { median, spread } from './report.ts'

export const EFFECTS_HEAD = [
  '| keys | onfile, s | sequential, s | factor | Parallel Consumer (published), s | onfile, CPU s | sequential, CPU s | onfile, MB | sequential, MB |',
  '|---|---|---|---|---|---|---|---|---|',
]

/** A row of the table: both sides with so many keys. */
export function effectsRow(
  keys: number,
  { onfile, sequential }: { readonly onfile: readonly EffectsRun[]; readonly sequential: readonly EffectsRun[] },
  publishedS: number | undefined,
): string {
  const seconds = (side: readonly EffectsRun[]): number[] => side.map(run => run.seconds)
  const cells = [
    String(keys),
    spread(seconds(onfile), 2),
    spread(seconds(sequential), 2),
    `${(median(seconds(sequential)) / median(seconds(onfile))).toFixed(1)}x`,
    publishedS?.toFixed(2) ?? '',
    ...[onfile, sequential].map(side =>
      spread(
        side.map(({ cpuSeconds }) => cpuSeconds),
        2,
      ),
    ),
    ...[onfile, sequential].map(side =>
      spread(
        side.map(({ rssMb }) => rssMb),
        0,
      ),
    ),
  ]
  return `| ${cells.join(' | ')} |`
}
