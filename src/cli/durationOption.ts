import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../config/durations.ts'

/** Reads an option that is a length of time, as commander wants it. */
export function durationOf(text: string): number {
  const durationMs = parseDuration(text)
  if (durationMs === null || durationMs === 0)
    throw new InvalidArgumentError('It must be a duration such as 30s or 5m.')
  return durationMs
}
