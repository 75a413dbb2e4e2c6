import { FAILURE_REASONS } from '../domain/reasons.ts'
import { formatDuration } from './durations.ts'

const INTRODUCTION = `# Failure reasons

Generated from \`src/domain/reasons.ts\` by \`npm run docs\`; a test fails when it is stale. \`policy.reasons\` changes rows or adds some.

The reason of Knot's CARD_FAILED is compared trimmed, lower-cased, with inner blanks collapsed. Every retry begins with a look at
the merchant. A wait is multiplied by \`policy.retryScale\` and is never shorter than the rest of \`policy.minGap\`; a version is
attempted at a merchant at most three times. A newer version or a suppression cancels the wait. When the retries are used up the
outcome is \`FAILED\`, for *user_action* \`NEEDS_USER_ACTION\`. A reason that is not listed is \`unknown_reason\` (*investigate*) and is
not tried again. *fix_data* is tried once more, after the gap, if the vault was last seen with another version than the one sent.
`

/** The page `docs/reasons.md`. */
export function reasonsReference(): string {
  const rows = [...FAILURE_REASONS].map(([reason, rule]) => {
    const waits = rule.waitsMs.length === 0 ? '-' : rule.waitsMs.map(formatDuration).join(', ')
    return `| ${reason} | ${rule.class} | ${rule.retries} | ${waits} | ${rule.why} |`
  })
  return [INTRODUCTION, '| reason | class | retries | waits | why |', '|---|---|---|---|---|', ...rows, ''].join('\n')
}
