import { FAILURE_REASONS } from '../domain/reasons.ts'
import { formatDuration } from './durations.ts'

const INTRODUCTION = `# Failure reasons

Generated from \`src/domain/reasons.ts\` by \`npm run docs\`; a test fails when it is stale. \`policy.reasons\` changes rows or adds some.

The reason of Knot's CARD_FAILED is compared trimmed, lower-cased, with inner blanks collapsed. Every retry begins with a look at
the merchant. A wait is multiplied by \`policy.retryScale\` and is never shorter than the rest of \`policy.minGap\`; a version is
attempted at a merchant at most three times. A newer version or a suppression cancels the wait. When the retries are used up the
outcome is \`FAILED\`, for *user_action* \`NEEDS_USER_ACTION\`. A reason that is not listed is \`unknown_reason\` (*investigate*): it is
not tried again, and resumed as *terminal* ones are. *fix_data* is tried once more, after the gap, if the vault was last seen with another
version than the one sent.

*Resumed by*: what makes it go again. *The card's next version* is an account-updater event that provisions (\`updated\`, \`expired\`) and is not
stale; it begins anew, with three attempts. *RETRY* is an operator's order ([operators.md](operators.md)): it sends on its way what waits, and begins
an attempt where the version has one left of its three. *AUTHENTICATED* is the user's login at that merchant, without \`send_card\` (with it, the link
itself brings a card); it begins anew too. Nothing resumes what is suppressed or held.
`

const HEAD = '| reason | class | retries | waits | resumed by | why |'

/** The page `docs/reasons.md`. */
export function reasonsReference(): string {
  const rows = [...FAILURE_REASONS].map(([reason, rule]) => {
    const waits = rule.waitsMs.length === 0 ? '-' : rule.waitsMs.map(formatDuration).join(', ')
    return `| ${reason} | ${rule.class} | ${rule.retries} | ${waits} | ${rule.resumedBy} | ${rule.why} |`
  })
  return [INTRODUCTION, HEAD, '|---|---|---|---|---|---|', ...rows, ''].join('\n')
}
