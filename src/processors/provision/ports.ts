import type { CommandKind, CommandResultCode } from '../../domain/records.ts'
import type { TaskContext } from '../../engine/processor.ts'
import type { RecordView } from '../../kafka/recordBatch.ts'
import type { AccountsAnswer } from '../../knot/accounts.ts'
import type { PushAnswer } from '../../knot/answers.ts'
import type { PushKey, PushKeyAnswer } from '../../knot/cardUpdater.ts'
import type { PushTarget } from '../../knot/knotApi.ts'
import type { SealedCard } from '../../knot/sealedCard.ts'
import type { CardData } from '../../vault/cardData.ts'
import type { CardAnswer, StatusAnswer } from '../../vault/cardVault.ts'
import type { PacingView } from './pacingView.ts'
import type { PauseReason, WorkKind } from './rolePause.ts'

/** Knot as PROVISION needs it; `CardUpdater` is one. Nothing here rejects: whatever happens is an answer. */
export interface KnotPort {
  accounts(userId: string): Promise<AccountsAnswer>
  key(refused: PushKey | null): Promise<PushKeyAnswer>
  /** Encrypts a card for one push, where the form does. */
  seal(card: CardData, key: PushKey): Promise<SealedCard>
  /**
   * Sends one card once. `lastCheck` runs synchronously when the request goes on the wire; after false nothing may be
   * written and the answer is `vetoed`.
   */
  push(target: PushTarget, card: SealedCard, lastCheck: () => boolean): Promise<PushAnswer>
  /** False while Knot says 401, and while it says nothing. */
  credentialsAccepted(): Promise<boolean>
}

/** The card vault as PROVISION needs it; `CardVault` is one. Nothing here rejects. */
export interface VaultPort {
  card(cardRef: string): Promise<CardAnswer>
  status(cardRef: string): Promise<StatusAnswer>
}

export type UnreadableReason = 'empty_value' | 'invalid_avro' | 'schema_violation'

/** What a dead-letter writer needs of the task. `forward` makes it part of the cycle's transaction. */
export type DeadLetterContext = Pick<
  TaskContext<object, never>,
  'topic' | 'partition' | 'now' | 'forward' | 'partitionFor'
>

/**
 * Writes a command that cannot be read to the dead-letter topic. Called inside of `onRecord`: it must use `context` and
 * nothing that waits. `record` is valid during the call only.
 */
export type DeadLetterPort = (record: RecordView, reason: UnreadableReason, context: DeadLetterContext) => void

/** What operators see of the pushes of one role. Gauges and counters; called often, must be cheap. */
export interface PushMetrics {
  /** From the request on the wire to its end. */
  pushMs(durationMs: number): void
  /** The role pauses (true) or goes on: `onfile_paused`. Where a `PushHold` is why: its pushes only. */
  paused(reason: PauseReason | PushHold['reason'], paused: boolean): void
  /** One permit was waited for so long. */
  waited(kind: WorkKind, waitedMs: number): void
  /** A breaker opened: of that merchant, of pushes that name no merchant (null), or of Knot as a whole. */
  breakerOpened(of: number | 'knot' | null): void
  /** Where the gauges of the limits and waits are read from at each scrape. */
  pacing(view: () => ShownPacing): void
}

/** What a role shows of its limits. */
export interface ShownPacing extends PacingView {
  /** Open commands per partition at most; null: the role keeps none. */
  readonly openCommands: number | null
}

/** What operators see of PROVISION. As cheap. */
export interface ProvisionMetrics extends PushMetrics {
  /** Offset of the last CANCEL that this partition applied: `onfile_provision_applied_cancel_offset`. */
  appliedCancelOffset(partition: number, offset: number): void
  /** Size of the ledger. */
  openCommands(partition: number, count: number): void
  /** One command answered. */
  answered(kind: CommandKind, result: CommandResultCode, reason: string | null): void
  /** One request that was not accepted and comes again within its attempt. `cause` is a stable code. */
  notAccepted(cause: string): void
}

/** Why no push may start, in the whole of onfile. */
export interface PushHold {
  /**
   * An operator paused them; or what operators want cannot be read now, and is taken for a pause; or, for SWITCHER, it
   * cannot be read who must not be pushed.
   */
  readonly reason: 'operator' | 'switch_unknown' | 'suppressions_unknown'
  /** For a person: who and why, or what is wrong. */
  readonly detail: string
  readonly sinceMs: number
}

/** The global stop of pushes. Asked before a permit is given and again when a request goes on the wire: must be cheap. */
export interface PushSwitch {
  /** Null: pushes may start. */
  held(): PushHold | null
  /** `listener` is called after each change of `held`. */
  onChange(listener: () => void): void
}

/** No switch: where nobody can stop pushes but by stopping the process (benchmarks, tests). */
export const NO_PUSH_SWITCH: PushSwitch = { held: () => null, onChange: () => undefined }

/** A log that takes fields first, as pino does. Only stable codes, ids and counts are passed. */
export interface ProvisionLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
