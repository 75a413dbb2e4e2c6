import type { Config } from '../../config/config.ts'
import type { Policy } from '../../domain/policy.ts'
import { normalisedReason, reasonTable } from '../../domain/reasons.ts'

/** `policy.*` as the domain takes it. */
export function policyOf({ policy }: Config): Policy {
  return {
    minGapMs: policy.minGap,
    resultSoftMs: policy.resultSoft,
    resultHardMs: policy.resultHard,
    retryScale: policy.retryScale,
    unknownHolder: policy.unknownHolder,
    vaultRecheckMs: policy.vaultRecheck,
    reconcileDone: new Set(policy.reconcileDone.map(normalisedReason)),
    reasons: reasonTable(policy.reasons),
  }
}
