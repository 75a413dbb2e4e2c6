import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import { typeHook } from '../../avro/typeHook.ts'
import { versionedCodec } from '../../avro/versionedCodec.ts'
import type { CommandKind, ProvisioningCommand, SourcePosition } from '../../domain/records.ts'
import type { Codec } from '../../engine/processor.ts'

/** Kinds that take time. A CANCEL is answered in the cycle that reads it. */
export type OpenCommandKind = Exclude<CommandKind, 'CANCEL'>

/**
 * An entry of the ledger: one command without an answer, field for field as in `schemas/provision-open-command.avsc`.
 *
 * WAITING -> STARTED -> answered (entry removed), or STARTED -> WAITING where Knot did not accept. Only a restart makes
 * REPORTED: the answer (AMBIGUOUS) is out, and the lane stays closed until `wake_at`.
 */
export interface OpenCommand {
  readonly command_id: string
  readonly kind: OpenCommandKind
  readonly user_id: string
  readonly card_ref: string | null
  readonly card_version: number | null
  readonly merchant_id: number | null
  readonly task_id: string | null
  readonly attempt: number
  readonly not_before: number | null
  readonly not_after: number | null
  readonly decision_seq: number
  readonly source: SourcePosition
  readonly origin: SourcePosition
  readonly state: 'WAITING' | 'STARTED' | 'REPORTED'
  readonly tries: number
  readonly wake_at: number | null
  readonly rekeyed: boolean
  readonly maybe_landed: boolean
  readonly started_at: number | null
  readonly send_by: number | null
  readonly vault_version: string | null
}

/** PROVISION's state. */
export interface ProvisionTables {
  /** Key: command id. */
  readonly ledger: OpenCommand
}

/**
 * Version of the schema of an entry: each change of it is a new one, whose file is kept in
 * `schemas/state/history/provision-open-command/`. So a release that changes it reads what the one before left open.
 */
const ENTRY_VERSION = 1

/** Raised with it, so that an earlier release refuses the whole ledger. 1: entries did not say their version. */
export const LEDGER_VERSION = ENTRY_VERSION + 1

const SCHEMA_FILE = new URL('../../../schemas/provision-open-command.avsc', import.meta.url)

/** State is read by the release that wrote it or a later one. */
export function createLedgerCodec(): Codec<OpenCommand> {
  const schema = JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')) as avsc.Schema
  const type = avsc.Type.forSchema(schema, { omitRecordMethods: true, typeHook })
  const name = 'provision-open-command'
  return versionedCodec<OpenCommand>({ name, version: ENTRY_VERSION, type, earlier: new Map(), unversioned: [type] })
}

export function openCommand(command: ProvisioningCommand, kind: OpenCommandKind): OpenCommand {
  return {
    command_id: command.command_id,
    kind,
    user_id: command.user_id,
    card_ref: command.card_ref,
    card_version: command.card_version,
    merchant_id: command.merchant_id,
    task_id: command.task_id,
    attempt: command.attempt,
    not_before: command.not_before,
    not_after: command.not_after,
    decision_seq: command.decision_seq,
    source: command.source,
    origin: command.origin,
    state: 'WAITING',
    tries: 0,
    wake_at: null,
    rekeyed: false,
    maybe_landed: false,
    started_at: null,
    send_by: null,
    vault_version: null,
  }
}

/**
 * Commands of one lane run one after the other in the order of their records; lanes run side by side. A lane is one
 * merchant account; what asks about a card of a user as a whole has a lane of its own: a card for which the vault never
 * answers must not hold up the user's other cards.
 */
export function laneOf({ kind, user_id, card_ref, merchant_id, task_id }: OpenCommand): string {
  if (kind === 'DISCOVER') return `*/${user_id}\n${card_ref ?? ''}`
  return `${merchant_id ?? task_id ?? '*'}/${user_id}`
}
