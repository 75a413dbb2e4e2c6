import { numberOf } from './report.ts'
import type { Figure } from './report.ts'

type Better = Figure['better']

function figure(
  label: string,
  name: string,
  digits: number,
  better: Better,
  target: number | null = null,
  limit?: number,
): Figure {
  const of: Figure['of'] = run => numberOf(run, name)
  return { label, of, digits, better, target, ...(limit === undefined ? {} : { limit }) }
}

/** The prefilled topic from its beginning to its end. Steady: after the first fifth of the input. */
export const THROUGHPUT_FIGURES: readonly Figure[] = [
  figure('records/s, steady', 'steady_rps', 0, 'higher', 2.5),
  figure('records/s, from the first record on', 'rps', 0, 'higher'),
  figure('CPU us/record, steady', 'steady_cpu_us_per_rec', 2, 'lower', 3),
  figure('CPU us/record, from the first record on', 'cpu_us_per_rec', 2, 'lower'),
  figure('CPU s, whole process', 'cpu_total_s', 2, 'lower'),
  figure('CPU us/record of the busiest thread, steady', 'hot_thread_us_per_rec', 2, 'lower'),
  figure('peak RSS, MB', 'max_rss_mb', 0, 'share', 0.7),
  figure('broker CPU s', 'broker_cpu_s', 2, 'share', 1),
  figure('process start to first record, ms', 'startup_ms', 0, 'lower'),
  figure('CPU s of all else on the machine', 'other_cpu_s', 2, 'none'),
]

/** A steady rate; from the scheduled send to the outcome seen by a read_committed consumer. */
export const LATENCY_FIGURES: readonly Figure[] = [
  figure('p50, ms', 'p50_ms', 0, 'share'),
  figure('p99, ms', 'p99_ms', 0, 'share', 1),
  figure('p99.9, ms', 'p999_ms', 0, 'share'),
  figure('CPU, % of a core', 'cpu_pct', 1, 'share'),
  figure('broker CPU, % of a core', 'broker_cpu_pct', 1, 'share', 1),
  figure('peak RSS, MB', 'max_rss_mb', 0, 'share'),
  figure('CPU of all else, % of a core', 'other_cpu_pct', 1, 'none'),
]

/** After a clean stop: nothing is asked of it but the figure. */
export const CLEAN_RESTART_FIGURES: readonly Figure[] = restartFigures(null)
/** After kill -9 under heavy writes. */
export const KILL_RESTART_FIGURES: readonly Figure[] = restartFigures(8, 1_000)

function restartFigures(target: number | null, limitMs?: number): readonly Figure[] {
  return [
    figure('process start to first committed output, ms', 'to_first_output_ms', 0, 'lower', target, limitMs),
    figure('process start to all input committed, ms', 'to_all_ms', 0, 'lower'),
    figure('records waiting', 'pending', 0, 'none'),
    figure('changelog records replayed', 'restored_records', 0, 'none'),
    figure('CPU s until all is committed', 'cpu_s', 2, 'lower'),
    figure('CPU s of all else on the machine', 'other_cpu_s', 2, 'none'),
  ]
}
