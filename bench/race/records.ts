import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import { bareCodec, framedCodec } from '../../src/avro/codecs.ts'
import { typeHook } from '../../src/avro/typeHook.ts'
import type { Codec } from '../../src/engine/processor.ts'

/** Types of `UserEvent.avsc`, in the schema's order. */
export type EventType = 'updated' | 'expired' | 'closed' | 'opt_out' | 'enrolled'

/** What stands in the input topic. Times are epoch milliseconds. */
export interface UserEvent {
  readonly event_id: string
  readonly type: EventType
  readonly user_id: string
  readonly card_ref: string
  readonly updated_at: number
  readonly source_topic: string
  readonly source_offset: number
}

export interface ProvisioningCommand {
  readonly command_id: string
  readonly user_id: string
  readonly card_ref: string
  readonly merchant_id: number
  readonly reason: 'card_updated' | 'card_expired'
  readonly issued_at: number
}

export type OutcomeStatus = 'commanded' | 'suppressed' | 'enrolled' | 'duplicate' | 'skipped' | 'stale'

export interface CardOutcome {
  readonly outcome_id: string
  readonly user_id: string
  readonly card_ref: string
  readonly status: OutcomeStatus
  readonly detail: EventType
  readonly at: number
}

export interface CardSuppression {
  readonly suppression_id: string
  readonly user_id: string
  readonly card_ref: string
  readonly reason: EventType
  readonly at: number
}

/** State of a user. Changed in place and then put, as the peer does. */
export interface UserState {
  readonly user_id: string
  suppressed: boolean
  last_updated_at: number
  seq: number
  readonly recent_event_ids: string[]
  readonly cards: { readonly card_ref: string; status: EventType; version: number }[]
}

/** Codecs of the race's records; the schema ids are fixed numbers, there is no registry in the loop (SPEC.md, Topics). */
export interface RaceCodecs {
  readonly events: Codec<UserEvent>
  readonly commands: Codec<ProvisioningCommand>
  readonly outcomes: Codec<CardOutcome>
  readonly suppressions: Codec<CardSuppression>
  readonly states: Codec<UserState>
}

function typeOf(schemaName: string): avsc.Type {
  const text = readFileSync(new URL(`./schemas/${schemaName}.avsc`, import.meta.url), 'utf8')
  return avsc.Type.forSchema(JSON.parse(text) as avsc.Schema, { omitRecordMethods: true, typeHook })
}

/** Reads `schemas/*.avsc` and makes the codecs with the product's own types and framing. */
export function raceCodecs(): RaceCodecs {
  return {
    events: framedCodec<UserEvent>(typeOf('UserEvent'), 1),
    commands: framedCodec<ProvisioningCommand>(typeOf('ProvisioningCommand'), 2),
    outcomes: framedCodec<CardOutcome>(typeOf('CardOutcome'), 3),
    suppressions: framedCodec<CardSuppression>(typeOf('CardSuppression'), 4),
    states: bareCodec<UserState>(typeOf('UserState')),
  }
}
