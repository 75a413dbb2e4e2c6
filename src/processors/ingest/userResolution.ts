import type { Header, RecordView } from '../../kafka/recordBatch.ts'
import { headerText } from '../deadLetter.ts'
import { UNUSABLE, idOf } from './ids.ts'
import type { LifecycleInput } from './lifecycleInput.ts'
import { rejected } from './rejection.ts'
import type { Rejection } from './rejection.ts'
import type { OwnerDirectory, UserSource } from './settings.ts'

export const USER_ID_HEADER = 'onfile-user-id'

const NO_HEADERS: readonly Header[] = []

export type ResolvedUser =
  | { readonly kind: 'user'; readonly userId: string }
  /** The directory must be asked first. */
  | { readonly kind: 'owner_needed'; readonly cardRef: string }
  | Rejection

/**
 * Whose card a lifecycle event speaks of: the first of the configured sources that names a user. A source that holds
 * something that cannot be a user id ends the search (`schema_violation`): guessing on could find another person.
 */
export function resolveUser(
  record: RecordView,
  input: LifecycleInput,
  userFrom: readonly UserSource[],
  directory: OwnerDirectory | null,
): ResolvedUser {
  for (const source of userFrom) {
    const named = source === 'directory' ? ownerOf(input.cardRef, directory) : namedUser(record, input, source)
    if (named === undefined) return { kind: 'owner_needed', cardRef: input.cardRef }
    if (named === UNUSABLE) return rejected('schema_violation')
    if (named !== null) return { kind: 'user', userId: named }
  }
  return rejected('user_unresolved')
}

function namedUser(
  record: RecordView,
  input: LifecycleInput,
  source: Exclude<UserSource, 'directory'>,
): string | null | typeof UNUSABLE {
  switch (source) {
    case 'header':
      return idOf(headerText(record.headerCount === 0 ? NO_HEADERS : record.headers(), USER_ID_HEADER))
    case 'field':
      return typeof input.userField === 'string' || input.userField === null ? idOf(input.userField) : UNUSABLE
    case 'key':
      return idOf(record.keyString())
  }
}

function ownerOf(cardRef: string, directory: OwnerDirectory | null): string | null | undefined {
  return directory === null ? null : directory.owner(cardRef)
}
