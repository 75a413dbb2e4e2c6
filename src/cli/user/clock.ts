/** `2026-11-28 04:10:11 UTC`: the same on every machine. */
export function momentText(ms: number): string {
  return `${dayText(ms)} ${timeText(ms)} UTC`
}

/** `2026-11-28`. */
export function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** `04:10:11`. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19)
}

/** `in 3 h`, `in 2 d`: how long until then; `due now` where it has passed. */
export function untilText(ms: number, nowMs: number): string {
  const leftMs = ms - nowMs
  if (leftMs <= 0) return 'due now'
  const [unit, , sizeMs] = UNITS.find(([, fromMs]) => leftMs >= fromMs) ?? UNITS.at(-1)!
  return `in ${Math.max(1, Math.round(leftMs / sizeMs))} ${unit}`
}

/** Unit, from what length on it is used, and its size. */
const UNITS: readonly (readonly [unit: string, fromMs: number, sizeMs: number])[] = [
  ['days', 2 * 86_400_000, 86_400_000],
  ['h', 2 * 3_600_000, 3_600_000],
  ['min', 2 * 60_000, 60_000],
  ['s', 0, 1_000],
]
