import { hash } from 'node:crypto'

/** 128 bits: two of a bank's users never meet. */
const PSEUDONYM_CHARACTERS = 22

/**
 * The name under which the state remembers that a user was erased. It cannot be read back; whoever has a list of user ids
 * can find out which of them were erased, and that is its purpose: a late record of one of them must be known again. Not
 * keyed: a key that is lost or rotated would bring erased users back.
 */
export function pseudonymOf(userId: string): string {
  return hash('sha256', `onfile forgotten user\n${userId}`, 'base64url').slice(0, PSEUDONYM_CHARACTERS)
}
