import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestCard, TestPerson } from '../../../sandbox/people.ts'

/** Bytes to search and where they come from. */
export interface Haystack {
  readonly place: string
  readonly bytes: Buffer
}

/** Something that must not be found: a pattern over the bytes as latin1. `name` does not give it away. */
export interface Needle {
  readonly name: string
  readonly pattern: RegExp
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** Base64 of a text at each of the three places that it can have in a longer one, without what its neighbours touch. */
function base64Cores(text: string): string[] {
  return [0, 1, 2].map(shift => {
    const encoded = Buffer.from(' '.repeat(shift) + text)
      .toString('base64')
      .replace(/=+$/, '')
    const first = Math.ceil((shift * 8) / 6)
    const wholeDigits = Math.floor(((shift + text.length) * 8) / 6)
    return encoded.slice(first, wholeDigits)
  })
}

/** A text as it is, in base64 (also base64url) at any place, and in hexadecimal. */
export function textNeedles(name: string, text: string): Needle[] {
  const cores = base64Cores(text).map(core => escaped(core).replace(/\\\+/g, '[+-]').replace(/\\\//g, '[/_]'))
  return [
    { name, pattern: new RegExp(escaped(text), 'i') },
    { name: `${name} in base64`, pattern: new RegExp(cores.join('|')) },
    { name: `${name} in hexadecimal`, pattern: new RegExp(Buffer.from(text).toString('hex'), 'i') },
  ]
}

/** A card: its number in any grouping and encoding, its CVV where a text calls it one or beside the number. */
export function cardNeedles(card: TestCard): Needle[] {
  const name = `card ...${card.number.slice(-4)}`
  const grouped = Array.from(card.number).join('[ .\\-_]?')
  return [
    { name: `number of ${name}, grouped`, pattern: new RegExp(grouped) },
    ...textNeedles(`number of ${name}`, card.number),
    { name: `CVV of ${name}`, pattern: new RegExp(`(?:cvv|cvc|security.?code)\\W{1,12}${card.cvv}(?!\\d)`, 'i') },
    { name: `expiry of ${name}`, pattern: new RegExp(`"${escaped(card.expiration)}"`) },
  ]
}

export function personNeedles(person: TestPerson): Needle[] {
  const { name, address, phone_number } = person
  return [
    ...textNeedles('first name', name.first_name),
    ...textNeedles('last name', name.last_name),
    ...textNeedles('street', address.street),
    ...textNeedles('phone', phone_number.slice(1)),
  ]
}

/** Any encrypted card, any credentials, whatever their values. */
export const FORM_NEEDLES: readonly Needle[] = [
  { name: 'header of a JWE', pattern: /eyJhbGciOi/ },
  { name: 'JWE or JWT', pattern: /eyJ[\w-]{10,}\.[\w-]+/ },
  { name: 'Basic credentials', pattern: /basic\s+(?!\[)[a-z0-9+/]{12,}={0,2}/i },
  { name: 'Bearer credentials', pattern: /bearer\s+(?!\[)[\w.~+/-]{8,}/i },
]

/** One line per needle and place where it is found. */
export function findLeaks(haystacks: readonly Haystack[], needles: readonly Needle[]): string[] {
  return haystacks.flatMap(({ place, bytes }) => {
    const text = bytes.toString('latin1')
    return needles.flatMap(({ name, pattern }) => {
      const at = text.search(pattern)
      return at < 0 ? [] : [`${name} in ${place} at byte ${at}`]
    })
  })
}

/** Every file below a directory. */
export async function filesOf(directory: string): Promise<Haystack[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries
      .filter(entry => entry.isFile())
      .map(async entry => {
        const file = join(entry.parentPath, entry.name)
        return { place: `file ${file.slice(directory.length)}`, bytes: await readFile(file) }
      }),
  )
}
