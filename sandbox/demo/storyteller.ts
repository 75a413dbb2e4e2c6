import { setTimeout as sleep } from 'node:timers/promises'
import type { KnotSimulator } from '../knot/knotSimulator.ts'
import { merchantOf } from '../knot/merchants.ts'
import type { Account } from './account.ts'
import type { CardBook } from './cast.ts'
import { explainedPositions, mayBeIgnored, openWork, positionText } from './evidence.ts'
import type { Evidence, Position } from './evidence.ts'
import type { Issuer } from './issuer.ts'
import { lifecycleRecord } from './lifecycleRecord.ts'
import type { EventStep, OrderStep, Story, StoryStep, StrayRecord } from './story.ts'

/** What the stories are acted out with. */
export interface Stage {
  readonly knot: KnotSimulator
  readonly book: CardBook
  readonly issuer: Issuer
  readonly evidence: Evidence
  readonly account: Account
  readonly topics: Readonly<Record<'cardLifecycle' | 'knotEvents', string>>
  /** Runs a command of onfile, as an operator would, and gives its output. Rejects where it fails. */
  readonly command: (words: readonly string[]) => Promise<string>
  /** When the stream began: `EventStep.atS` counts from there. */
  readonly startedAtMs: number
  /** How long one wait may take before the story goes on without it, and says so. */
  readonly patienceMs: number
}

/** A story is over when nothing of its user has happened for so long. */
const QUIET_MS = 400
const POLL_MS = 20

/** Acts out one story, and resolves with what did not come as told. */
export const tellStory = async (stage: Stage, story: Story): Promise<string[]> => {
  const { evidence, account, patienceMs } = stage
  const problems: string[] = []
  const written: Position[] = []
  const outcomes = (): string[] =>
    evidence.outcomes
      .filter(({ user_id }) => user_id === story.userId)
      .map(({ status, reason }) => `${status}/${reason}`)
  let seenBefore = 0

  const act = async (step: StoryStep): Promise<void> => {
    switch (step.kind) {
      case 'event':
        seenBefore = outcomes().length
        written.push(await writeEvent(stage, story, step))
        return
      case 'await': {
        const came = (): boolean => outcomes().slice(seenBefore).includes(step.outcome)
        if (!(await until(came, patienceMs))) problems.push(`${story.userId}: ${step.outcome} did not come.`)
        return
      }
      case 'settle':
        problems.push(...(await settle(stage, story.userId, written)))
        return
      case 'vault':
        stage.book.change(step.card, step.change)
        return note(stage, story.userId, step.card, 'vault', `the card is ${step.change} now`)
      case 'logout':
        seenBefore = outcomes().length
        stage.knot.disconnect(story.userId, step.merchantId)
        return note(stage, story.userId, merchantOf(step.merchantId).name, 'merchant', 'logs the cardholder out')
      case 'login':
        seenBefore = outcomes().length
        stage.knot.link({ userId: story.userId, merchantId: step.merchantId, announce: true })
        return note(stage, story.userId, merchantOf(step.merchantId).name, 'cardholder', 'links the merchant again')
      case 'order':
        seenBefore = outcomes().length
        return giveOrder(stage, story, step)
      case 'ownSwitch':
        seenBefore = outcomes().length
        announceOwnSwitch(stage, story, step.merchantId)
        return note(stage, story.userId, merchantOf(step.merchantId).name, 'cardholder', 'types in a new card there')
    }
  }
  for (const step of story.steps) {
    await act(step)
    // What follows builds on it.
    if (problems.length > 0) break
  }
  if (problems.length === 0) {
    const missing = (): string[] => story.expects.filter(expected => !outcomes().includes(expected))
    await until(() => missing().length === 0, patienceMs)
    problems.push(
      ...missing().map(expected => `${story.userId}: ${expected} did not come.`),
      ...(await settle(stage, story.userId, written)),
    )
  }
  account.close(story.userId)
  return problems
}

/** Writes the records that belong to nobody, and resolves with those that did not end as they must. */
export const scatterStrays = async (
  stage: Stage,
  strays: readonly StrayRecord[],
  chapterId: string,
): Promise<string[]> => {
  const { evidence, account, issuer, topics, patienceMs } = stage
  const problems: string[] = []
  for (const { topic, key, value, says, ends } of strays) {
    const position = await issuer.write(topics[topic], { key, value })
    const isThere = (other: Position): boolean => positionText(other) === positionText(position)
    note(stage, chapterId, '', 'event', `${positionText(position)}: ${says}`)
    const came = (): boolean =>
      ends === 'ignored'
        ? evidence.inputs.some(input => isThere(input) && mayBeIgnored(input))
        : evidence.deadLetters.some(letter => isThere(letter) && letter.reason === ends.deadLetter)
    if (!(await until(came, patienceMs))) {
      const wanted = ends === 'ignored' ? 'ignored' : `dead-lettered as ${ends.deadLetter}`
      problems.push(`${positionText(position)} (${says}) was not ${wanted}.`)
    }
  }
  account.close(chapterId)
  return problems
}

const writeEvent = async (stage: Stage, story: Story, step: EventStep): Promise<Position> => {
  const { book, issuer, topics, startedAtMs } = stage
  if (step.vault !== undefined) book.change(step.card, step.vault)
  note(stage, story.userId, step.card, 'event', `${step.type}: ${step.says}`)
  return issuer.write(topics.cardLifecycle, lifecycleRecord(step, story.userId, startedAtMs, issuer.schemaId))
}

const giveOrder = async (stage: Stage, { userId }: Story, step: OrderStep): Promise<void> => {
  const { command, merchantId, reason } = step
  const subject = merchantId === undefined ? '' : merchantOf(merchantId).name
  note(stage, userId, subject, 'operator', `onfile ${command}: ${reason}`)
  const narrowing = merchantId === undefined ? [] : ['--merchant', String(merchantId)]
  await stage.command([command, '--user', userId, ...narrowing, '--reason', reason, '--actor', 'support'])
}

const announceOwnSwitch = ({ knot }: Stage, { userId, cards }: Story, merchantId: number): void => {
  const { id, name } = merchantOf(merchantId)
  knot.announce({
    event: 'CARD_UPDATED',
    session_id: `session-${userId}`,
    task_id: 1,
    external_user_id: userId,
    merchant: { id, name },
    data: { card_id: cards[0]?.ref ?? null },
    timestamp: Date.now(),
  })
}

/** What is not explained or not final for this user once nothing happens any more; empty in good time otherwise. */
const settle = async (stage: Stage, userId: string, written: readonly Position[]): Promise<string[]> => {
  const { evidence, patienceMs } = stage
  const open = (): string[] => [...unexplained(evidence, userId, written), ...openWork(userId, evidence)]
  const seen = (): number =>
    evidence.inputs.filter(input => input.userId === userId).length +
    evidence.outcomes.filter(outcome => outcome.user_id === userId).length
  let quietSinceMs = Date.now()
  let before = -1
  const isQuiet = (): boolean => {
    if (seen() !== before || open().length > 0) quietSinceMs = Date.now()
    before = seen()
    return Date.now() - quietSinceMs >= QUIET_MS
  }
  return (await until(isQuiet, patienceMs)) ? [] : open().map(work => `${userId}: ${work}.`)
}

const unexplained = (evidence: Evidence, userId: string, written: readonly Position[]): string[] => {
  const webhooks = evidence.inputs.filter(input => input.userId === userId && !mayBeIgnored(input))
  const explained = explainedPositions(evidence.outcomes)
  return [...written, ...webhooks]
    .map(positionText)
    .filter(position => !explained.has(position))
    .map(position => `${position} is not explained`)
}

/** Something that happens to a user: told in lower case, onfile's outcomes in upper case. */
const note = ({ account, startedAtMs }: Stage, chapterId: string, subject: string, word: string, text: string): void =>
  account.note(chapterId, { atMs: Date.now() - startedAtMs, subject, word, text, tone: 'cause' })

const until = async (condition: () => boolean, withinMs: number): Promise<boolean> => {
  const deadlineMs = Date.now() + withinMs
  while (!condition()) {
    if (Date.now() > deadlineMs) return false
    await sleep(POLL_MS)
  }
  return true
}
