import { z } from 'zod'
import { formatDuration, parseDuration } from '../config/durations.ts'
import { LOG_LEVELS } from '../telemetry/log.ts'
import { scrub } from '../telemetry/scrub.ts'
import { wrongRequest } from './adminErrors.ts'

/** What is asked for without `for` ends after this, and nothing may be asked for longer than the other. */
export const DEFAULT_FOR_MS = 15 * 60_000
export const LONGEST_FOR_MS = 4 * 3_600_000

const MAX_ACTOR_CHARS = 128
const MAX_REASON_CHARS = 500

/** One line of text. It goes to the log and, a reason, to `/readyz`: so without what looks like a secret. */
function line(what: string, maxChars: number) {
  const rule = `must be ${what}, 1 to ${maxChars} characters on one line`
  return z
    .string({ error: rule })
    .trim()
    .min(1, rule)
    .max(maxChars, rule)
    .regex(/^\P{Cc}*$/u, rule)
    .transform(scrub)
}

const actor = line('the name of who asks', MAX_ACTOR_CHARS)
const reason = line('why', MAX_REASON_CHARS)
const forRule = `must be a duration from 1s to ${formatDuration(LONGEST_FOR_MS)} such as 15m`
const forMs = z
  .string({ error: forRule })
  .default(formatDuration(DEFAULT_FOR_MS))
  .transform((text, context) => {
    const durationMs = parseDuration(text)
    if (durationMs !== null && durationMs >= 1_000 && durationMs <= LONGEST_FOR_MS) return durationMs
    context.addIssue({ code: 'custom', message: forRule })
    return z.NEVER
  })

const scope = {
  role: z.string({ error: 'must be the name of a role' }),
  topic: z.string({ error: 'must be the name of a topic, or left out' }).nullable().default(null),
  partition: z
    .int({ error: 'must be a whole number, or left out' })
    .min(0, 'must be 0 or more')
    .nullable()
    .default(null),
}

export const pauseRequest = z.strictObject({ ...scope, actor, reason, for: forMs })
export const resumeRequest = z.strictObject({ ...scope, actor, reason })
export const levelRequest = z.strictObject({
  level: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }),
  actor,
  reason: reason.nullable().default(null),
  for: forMs,
})
export const userRequest = z.strictObject({ actor, reason })

/** Reads what came with a request. @throws AdminCallError */
export function readRequest<T>(schema: z.ZodType<T>, given: unknown): T {
  const read = schema.safeParse(given ?? {})
  if (read.success) return read.data
  throw wrongRequest(read.error.issues.map(problemOf))
}

function problemOf(issue: z.core.$ZodIssue): string {
  const at = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') return scrub(`unknown: ${issue.keys.join(', ')}`)
  if (at === '') return 'the body must be one JSON object'
  return `${at} ${issue.message}`
}
