import type { PushEntry } from '../../../sandbox/knot/pushLog.ts'
import type { CardSuppression, CommandResult, ProvisioningCommand } from '../../../src/domain/records.ts'
import type { CommittedOffsets } from '../../support/onfile/committedOffsets.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'
import { placeOf } from './placeOf.ts'

/**
 * No SWITCH is decided while the newest record of `card-suppressions`, for any scope that covers it, says ACTIVE (and its
 * `until` is not over), and nothing at all for a user who has been forgotten.
 */
export function decidedWhileStopped({ commands, outcomes, suppressions }: Evidence): string[] {
  const ofUser = Map.groupBy(suppressions, ({ value }) => value.user_id)
  const forgottenAt = new Map<string, number>()
  for (const { value } of outcomes) {
    if (value.status !== 'SUPPRESSED' || value.reason !== 'forgotten' || forgottenAt.has(value.user_id)) continue
    forgottenAt.set(value.user_id, value.decision_seq)
  }
  return commands.flatMap(({ value }) => {
    const { kind, user_id, command_id, decision_seq } = value
    if (kind === 'CANCEL') return []
    if (decision_seq > (forgottenAt.get(user_id) ?? Number.POSITIVE_INFINITY)) {
      return [`${command_id} is a ${kind} of a user who has been forgotten`]
    }
    if (kind !== 'SWITCH') return []
    const newest = new Map<string, CardSuppression>()
    for (const { value: suppression } of ofUser.get(user_id) ?? []) {
      if (suppression.decision_seq > decision_seq || !isAbout(suppression, value)) continue
      newest.set(`${suppression.card_ref ?? ''} ${suppression.merchant_id ?? ''}`, suppression)
    }
    return [...newest.values()]
      .filter(({ state, until }) => state === 'ACTIVE' && (until === null || until > value.issued_at))
      .map(({ reason, decision_seq: since }) => `${command_id} is a SWITCH under the suppression ${since} (${reason})`)
  })
}

/**
 * G4: no push once the group's committed offset has passed a CANCEL that covers it. By the moment on the wire that the
 * product reports, which is exact, and by Knot's log, which needs no word of the product's.
 *
 * @param arrivalSlackMs from a request on the wire to the moment at which Knot reads it
 */
export function pushedAfterCancel(
  { commands, userEvents }: Evidence,
  pushes: readonly Readonly<PushEntry>[],
  offsets: Pick<CommittedOffsets, 'passedAtMs'>,
  arrivalSlackMs: number,
): string[] {
  const seen = Map.groupBy(pushes, ({ userId }) => userId)
  const switches = Map.groupBy(
    commands.filter(({ value }) => value.kind === 'SWITCH').map(({ value }) => value),
    ({ user_id }) => user_id,
  )
  const results = new Map<string, CommandResult>()
  for (const { body } of userEvents) {
    if (body.kind === 'result' && body.command_kind === 'SWITCH') results.set(body.command_id, body)
  }
  return commands.flatMap(({ partition, offset, value: cancel }) => {
    if (cancel.kind !== 'CANCEL') return []
    const own = switches.get(cancel.user_id) ?? []
    const covered = own.filter(command => covers(cancel, command))
    if (covered.length === 0) return []
    const passedAtMs = offsets.passedAtMs(partition, offset)
    if (passedAtMs === undefined) return [`${cancel.command_id}: PROVISION's group was never seen behind this CANCEL`]
    const started = covered.filter(({ command_id }) => (results.get(command_id)?.started_at ?? 0) > passedAtMs)
    const others = own.filter(command => !covered.includes(command)).map(({ merchant_id }) => merchant_id)
    const late = (seen.get(cancel.user_id) ?? []).filter(
      ({ atMs, merchantId }) =>
        atMs > passedAtMs + arrivalSlackMs &&
        covered.some(({ merchant_id }) => merchant_id === merchantId) &&
        !others.includes(merchantId),
    )
    return [
      ...started.map(command => `${command.command_id} was started after ${cancel.command_id} was committed`),
      ...late.map(
        push => `${placeOf(push)}: a push ${push.atMs - passedAtMs} ms after ${cancel.command_id} was committed`,
      ),
    ]
  })
}

function isAbout(
  scope: { readonly card_ref: string | null; readonly merchant_id: number | null },
  command: ProvisioningCommand,
): boolean {
  return (
    (scope.card_ref === null || scope.card_ref === command.card_ref) &&
    (scope.merchant_id === null || scope.merchant_id === command.merchant_id)
  )
}

function covers(cancel: ProvisioningCommand, command: ProvisioningCommand): boolean {
  const scope = cancel.cancels
  if (command.decision_seq >= cancel.decision_seq) return false
  return scope === null || (isAbout(scope, command) && (scope.command_id ?? command.command_id) === command.command_id)
}
