import { positionText } from '../../support/onfile/evidence.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'

/** What was decided about one user, in the order of the decisions, and what PROVISION answered: for a violation that names them. */
export function userStory({ userEvents, commands, outcomes, suppressions }: Evidence, userId: string): string[] {
  const decided = [
    ...commands.map(({ value }) => {
      const { kind, reason, merchant_id, attempt, cancels } = value
      const scope = cancels === null ? '' : ` of ${JSON.stringify(cancels)}`
      return { ...value, text: `${kind} ${reason}${scope} at ${merchant_id ?? 'all'}, attempt ${attempt}` }
    }),
    ...outcomes.map(({ value }) => {
      const { status, reason, merchant_id, command_id } = value
      return { ...value, text: `${status}/${reason} at ${merchant_id ?? 'all'} for ${command_id ?? 'no command'}` }
    }),
    ...suppressions.map(({ value }) => ({
      ...value,
      origin: value.source,
      text: `${value.state} ${value.reason} at ${value.merchant_id ?? 'all'}`,
    })),
  ]
  const events = userEvents
    .filter(({ user_id }) => user_id === userId)
    .map(({ source, body }) => {
      if (body.kind === 'result') return `${body.command_kind} ${body.command_id}: ${body.result} ${body.reason ?? ''}`
      const what = body.kind === 'lifecycle' ? body.type : body.kind === 'operator' ? body.action : body.event
      return `${positionText(source)}: ${what} ${body.kind === 'knot' ? `at ${body.merchant_id ?? 'none'}` : ''}`
    })
  const ofUser = decided.filter(({ user_id }) => user_id === userId).sort((a, b) => a.decision_seq - b.decision_seq)
  return [
    `The story of ${userId}: what came`,
    ...events.map(text => `  ${text.trimEnd()}`),
    `The story of ${userId}: what was decided`,
    ...ofUser.map(({ decision_seq, text, source, origin }) => {
      return `  ${decision_seq}: ${text} (${positionText(source)}, opened by ${positionText(origin)})`
    }),
  ]
}

/** Users whom the sentences name, the first so many. */
export function usersIn(sentences: readonly string[], most: number): string[] {
  return [...new Set(sentences.flatMap(sentence => /user-\d+/.exec(sentence)?.[0] ?? []))].slice(0, most)
}
