import type { TestCard } from '../people.ts'

/** Bytes to search, and where they come from. */
export interface Haystack {
  /** `topic onfile-dlq`, `log`, `state`, `/metrics`. */
  readonly place: string
  readonly bytes: Buffer
}

/** Something that must never leave PROVISION's memory. */
export interface Needle {
  /** What it is, without giving it away. */
  readonly name: string
  readonly pattern: RegExp
}

/** A needle that was found. */
export interface Leak {
  readonly place: string
  readonly name: string
  readonly count: number
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** A card number: plain, or with one blank, dash or dot between any two digits. */
export const cardNumberNeedle = (number: string): Needle => ({
  name: `card number …${number.slice(-4)}`,
  pattern: new RegExp(Array.from(number).join('[ .-]?'), 'g'),
})

/** The number of a card, and its CVV where the text says that it is one. */
export const cardNeedles = (card: TestCard): Needle[] => [
  cardNumberNeedle(card.number),
  {
    name: `CVV of card …${card.number.slice(-4)}`,
    pattern: new RegExp(`(?:cvv|cvc|security.?code)\\W{1,8}${card.cvv}(?!\\d)`, 'gi'),
  },
]

/** Text that must stay secret: tokens, names, telephone numbers. Also in base64, as Authorization headers carry it. */
export const textNeedles = (name: string, text: string): Needle[] => [
  { name, pattern: new RegExp(escaped(text), 'g') },
  { name: `${name}, in base64`, pattern: new RegExp(escaped(Buffer.from(text).toString('base64')), 'g') },
]

/** The beginning of any compact JWE or JWS: a base64url JSON object, then a dot and more. */
export const joseNeedle: Needle = {
  name: 'encrypted card (JWE)',
  pattern: /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g,
}

/** Every needle in every haystack, in bytes: binary records hold their texts as they are. */
export const findLeaks = (haystacks: readonly Haystack[], needles: readonly Needle[]): Leak[] =>
  haystacks.flatMap(({ place, bytes }) => {
    const text = bytes.toString('latin1')
    return needles.flatMap(({ name, pattern }): Leak[] => {
      const count = text.match(pattern)?.length ?? 0
      return count === 0 ? [] : [{ place, name, count }]
    })
  })
