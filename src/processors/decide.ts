import type { Policy } from '../domain/policy.ts'
import type { CardOutcome, CardSuppression, ProvisioningCommand, UserEvent } from '../domain/records.ts'
import type { Codec, Topology } from '../engine/processor.ts'
import { DecideProcessor } from './decide/decideProcessor.ts'
import type { DecideTables } from './decide/decideProcessor.ts'
import type { DeadLetterPort, DecideMetrics } from './decide/ports.ts'
import {
  createForgottenUserCodec,
  createTotalsCodec,
  createMerchantStateCodec,
  createUserStateCodec,
  DECIDE_STATE_VERSION,
} from './decide/stateCodecs.ts'
import { PanFields } from './ingest/panFields.ts'

export interface DecideOptions {
  /** All but `deadLetters` share one partition count. */
  readonly topics: {
    /** Input: `onfile-user-events`. */
    readonly userEvents: string
    readonly commands: string
    readonly outcomes: string
    readonly suppressions: string
    /** State: `onfile-decide-changelog`. */
    readonly changelog: string
    /** Where `deadLetter` writes to: `onfile-dlq`. */
    readonly deadLetters: string
  }
  readonly codecs: {
    readonly userEvent: Codec<UserEvent>
    readonly command: Codec<ProvisioningCommand>
    readonly outcome: Codec<CardOutcome>
    readonly suppression: Codec<CardSuppression>
  }
  readonly policy: Policy
  readonly metrics: DecideMetrics
  readonly deadLetter: DeadLetterPort
  /** `ingest.idPattern`: ids in the issuer's own numeric format, which are no card numbers. */
  readonly idPattern: string | null
}

/** The DECIDE role (design.md 4): user events in, state per user; commands, suppressions and outcomes out. */
export function createDecideTopology(options: DecideOptions): Topology<DecideTables> {
  const { topics, codecs, policy, metrics, deadLetter } = options
  const panFields = new PanFields(options.idPattern)
  return {
    role: 'decide',
    inputs: [topics.userEvents],
    changelog: topics.changelog,
    tables: {
      users: createUserStateCodec(),
      merchants: createMerchantStateCodec(),
      forgotten: createForgottenUserCodec(),
      totals: createTotalsCodec(),
    },
    stateVersion: DECIDE_STATE_VERSION,
    outputs: [topics.commands, topics.outcomes, topics.suppressions, topics.deadLetters],
    copartitioned: [topics.commands, topics.outcomes, topics.suppressions],
    startAt: () => 'earliest',
    createProcessor: () =>
      new DecideProcessor({
        topics,
        userEventCodec: codecs.userEvent,
        commandEncoder: codecs.command,
        outcomeEncoder: codecs.outcome,
        suppressionEncoder: codecs.suppression,
        policy,
        metrics,
        deadLetter,
        panFields,
      }),
  }
}
