import type { Config } from '../../config/config.ts'
import type { Policy } from '../../domain/policy.ts'
import { reasonTable } from '../../domain/reasons.ts'

/** `policy.*` as the domain takes it. */
export function policyOf({ policy }: Config): Policy {
  return {
    minGapMs: policy.minGap,
    resultSoftMs: policy.resultSoft,
    resultHardMs: policy.resultHard,
    retryScale: policy.retryScale,
    unknownHolder: policy.unknownHolder,
    vaultRecheckMs: policy.vaultRecheck,
    reasons: reasonTable(policy.reasons),
  }
}
