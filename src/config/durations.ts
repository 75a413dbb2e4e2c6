import type { z } from 'zod'

/** A length of time in milliseconds. In files and in the environment it is written with its unit: `30s`, `10m`. */
export type Milliseconds = number & z.core.$brand<'Milliseconds'>

const UNITS = [
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
] as const

const DURATION = /^(\d{1,12})(ms|s|m|h|d)$/

/** Reads `250ms`, `30s`, `10m`, `24h` or `7d`; null for anything else, also for a number without a unit. */
export function parseDuration(text: string): Milliseconds | null {
  const match = DURATION.exec(text.trim())
  if (match === null) return null
  const factor = UNITS.find(([unit]) => unit === match[2])![1]
  const durationMs = Number(match[1]) * factor
  return Number.isSafeInteger(durationMs) ? (durationMs as Milliseconds) : null
}

/** The shortest text that `parseDuration` reads back as the same duration. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s'
  const [unit, factor] = UNITS.findLast(([, factor]) => durationMs % factor === 0) ?? UNITS[0]
  return `${durationMs / factor}${unit}`
}
