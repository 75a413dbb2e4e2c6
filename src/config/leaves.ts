import { z } from 'zod'
import { formatDuration, parseDuration } from './durations.ts'
import type { Milliseconds } from './durations.ts'

/** What the schema knows of one key beyond its type: for the reference, for printing, for `*_FILE`. */
export interface KeyDescription {
  readonly description: string
  /** How a value is written, for the reference: `duration`, `list of text`, `` `a`, `b` ``. */
  readonly form: string
  /** Never printed, not accepted as a flag, and accepted as a file (`knot.secretFile`, `ONFILE_KNOT_SECRET_FILE`). */
  readonly secret?: boolean
  /** Accepted as a file too, like a secret, but not secret (a certificate). */
  readonly file?: boolean
  /** What stands in the reference where the default is made of other keys. */
  readonly defaultText?: string
  /** A value in the form in which it is written; without it values are shown as they are. */
  readonly show?: (value: unknown) => unknown
}

/** Descriptions by leaf schema. */
export const keyDescriptions = z.registry<KeyDescription>()

function numeric(raw: unknown): unknown {
  return typeof raw === 'string' && /^-?\d{1,15}(\.\d+)?$/.test(raw.trim()) ? Number(raw) : raw
}

function boolean(raw: unknown): unknown {
  if (raw === 'true') return true
  return raw === 'false' ? false : raw
}

/** Lists are comma separated wherever they are one text, as they are in the environment. */
function items(raw: unknown): unknown {
  if (typeof raw !== 'string') return raw
  return raw
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

const textValue = z.string({ error: 'must be text (in the file: put it in quotes)' }).min(1, 'must not be empty')

export const durationValue = z
  .string({ error: 'must be a duration with its unit, like 250ms, 30s, 10m, 24h or 7d' })
  .transform((text, context): Milliseconds => {
    const durationMs = parseDuration(text)
    if (durationMs !== null) return durationMs
    context.addIssue({ code: 'custom', message: 'must be a duration with its unit, like 250ms, 30s, 10m, 24h or 7d' })
    return z.NEVER
  })

function showDuration(value: unknown): unknown {
  return Array.isArray(value) ? value.map(showDuration) : formatDuration(value as number)
}

/** Text that has a default. */
export function text(description: string, fallback: string, pattern?: { test: RegExp; rule: string }) {
  const value = pattern === undefined ? textValue : textValue.regex(pattern.test, pattern.rule)
  return value.prefault(fallback).register(keyDescriptions, { description, form: 'text' })
}

/** Text that may be absent: null. */
export function optionalText(description: string, extra: Partial<KeyDescription> = {}, value: z.ZodString = textValue) {
  return value
    .nullable()
    .default(null)
    .register(keyDescriptions, { description, form: 'text', ...extra })
}

/** A secret that may be absent: null. */
export function secret(description: string, extra: Partial<KeyDescription> = {}) {
  return optionalText(description, { secret: true, ...extra })
}

/** A secret that opens something to whoever guesses it: so long that nobody does. */
export function longSecret(description: string, minimumChars: number) {
  const value = textValue.regex(
    new RegExp(`^\\S{${minimumChars},}$`),
    `must have ${minimumChars} characters or more and no blanks: generate it, for example with openssl rand -hex 32`,
  )
  return optionalText(description, { secret: true }, value)
}

/** PEM text, usually given as a file. */
export function pem(description: string, extra: Partial<KeyDescription> = {}) {
  const value = textValue.regex(/-----BEGIN /, 'must be PEM text (or set the key that ends in File)')
  return optionalText(description, { form: 'PEM text', file: true, ...extra }, value)
}

/** An http or https URL that may be absent: null. */
export function url(description: string, extra: Partial<KeyDescription> = {}) {
  const value = textValue.refine(isHttpUrl, 'must be a full http or https URL')
  return value
    .nullable()
    .default(null)
    .register(keyDescriptions, { description, form: 'URL', ...extra })
}

/** A length of time; `minimumMs` is 1 unless told. */
export function duration(description: string, fallback: string, minimumMs = 1) {
  const value = durationValue.refine(ms => ms >= minimumMs, `must be at least ${formatDuration(minimumMs)}`)
  return value.prefault(fallback).register(keyDescriptions, { description, form: 'duration', show: showDuration })
}

export function durations(description: string, fallback: string) {
  const value = z.preprocess(
    items,
    z.array(durationValue, { error: 'must be a list of durations' }).min(1, 'must not be empty'),
  )
  return value
    .prefault(fallback)
    .register(keyDescriptions, { description, form: 'list of durations', show: showDuration })
}

interface Range {
  readonly minimum: number
  readonly maximum: number
}

function between(value: z.ZodNumber, { minimum, maximum }: Range) {
  const rule = `must be between ${minimum} and ${maximum}`
  return value.min(minimum, rule).max(maximum, rule)
}

const wholeNumber = z.number({ error: 'must be a whole number' }).int('must be a whole number')

export function integer(description: string, fallback: number, range: Range) {
  const value = z.preprocess(numeric, between(wholeNumber, range))
  return value.prefault(fallback).register(keyDescriptions, { description, form: 'whole number' })
}

/** A whole number that may be absent: null. */
export function optionalInteger(description: string, range: Range, extra: Partial<KeyDescription> = {}) {
  const value = z.preprocess(numeric, between(wholeNumber, range).nullable())
  return value.default(null).register(keyDescriptions, { description, form: 'whole number', ...extra })
}

export function factor(description: string, fallback: number, range: Range) {
  const value = z.preprocess(numeric, between(z.number({ error: 'must be a number' }), range))
  return value.prefault(fallback).register(keyDescriptions, { description, form: 'number' })
}

export function flag(description: string, fallback: boolean) {
  const value = z.preprocess(boolean, z.boolean({ error: 'must be true or false' }))
  return value.prefault(fallback).register(keyDescriptions, { description, form: '`true` or `false`' })
}

export function choice<const Values extends readonly [string, ...string[]]>(
  description: string,
  values: Values,
  fallback: Values[number],
) {
  const value = z.enum(values, { error: `must be ${values.join(' or ')}` })
  return value.prefault(fallback).register(keyDescriptions, { description, form: oneOf(values) })
}

/** One of `values`, or absent: null. */
export function optionalChoice<const Values extends readonly [string, ...string[]]>(
  description: string,
  values: Values,
) {
  const value = z.enum(values, { error: `must be ${values.join(' or ')}` })
  return value
    .nullable()
    .default(null)
    .register(keyDescriptions, { description, form: oneOf(values) })
}

/** Distinct members of `values`, in the order given, at least one. */
export function choices<const Values extends readonly [string, ...string[]]>(
  description: string,
  values: Values,
  fallback: readonly Values[number][],
) {
  const rule = `must be a list of: ${values.join(', ')}`
  const list = z.array(z.enum(values, { error: rule }), { error: rule }).min(1, rule)
  const value = z.preprocess(
    items,
    list.refine(members => new Set(members).size === members.length, 'must not name one twice'),
  )
  return value.prefault(fallback.join(',')).register(keyDescriptions, { description, form: `list of ${oneOf(values)}` })
}

/** A list of texts, each of which matches `pattern`; empty unless set. */
export function texts(description: string, pattern?: { test: RegExp; rule: string }) {
  const item = pattern === undefined ? textValue : textValue.regex(pattern.test, pattern.rule)
  const value = z.preprocess(items, z.array(item, { error: 'must be a list of text' }))
  return value.prefault([]).register(keyDescriptions, { description, form: 'list of text' })
}

function oneOf(values: readonly string[]): string {
  return values.map(value => `\`${value}\``).join(', ')
}

function isHttpUrl(value: string): boolean {
  return /^https?:\/\//.test(value) && URL.canParse(value)
}
