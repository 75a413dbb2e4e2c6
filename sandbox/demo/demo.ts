import { copyFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { testPerson } from '../people.ts'
import { Account, outcomeLine, suppressionLine } from './account.ts'
import type { Chapter } from './account.ts'
import { CardBook, linkMerchants } from './cast.ts'
import type { CleanUp } from './cleanUp.ts'
import { positionText } from './evidence.ts'
import { searchForLeaks, secretNeedles } from './leakSources.ts'
import { Ledger } from './ledger.ts'
import { runCommand } from './product.ts'
import { reconcile } from './reconcile.ts'
import type { Story } from './story.ts'
import { stories } from './stories.ts'
import { scatterStrays, tellStory } from './storyteller.ts'
import type { Stage } from './storyteller.ts'
import { strayRecords } from './strayRecords.ts'
import { allProblems, summaryLines } from './summary.ts'
import type { StoryReport } from './summary.ts'
import { raiseSystems } from './systems.ts'
import type { Systems } from './systems.ts'
import { accountPrinter } from './terminal.ts'
import type { Paint } from './terminal.ts'
import { TopicTail } from './topicTail.ts'
import { askWitnesses } from './witnesses.ts'
import { deadLetterWords } from './words.ts'

/** How the demo is run. */
export interface DemoOptions {
  /** Leaves everything running at the end, the product too. */
  readonly keep: boolean
  readonly write: (text: string) => void
  readonly paint: Paint
  /** Gets everything that has to be undone; the caller runs it. */
  readonly cleanUp: CleanUp
  /** Awaited when everything is up and nothing has been sent. */
  readonly onRaised?: (systems: Systems) => Promise<void>
}

/** How it ended: without problems everything added up. */
export interface DemoResult {
  readonly systems: Systems
  readonly problems: readonly string[]
}

const STRAYS: Chapter = { id: '', name: 'Nobody', title: 'broken records, and news that concerns no card' }
const STORY_PATIENCE_MS = 20_000

/**
 * The whole way of a record, once: systems up, the sample stream in, the account as outcomes come out, then the
 * comparison of all that can be compared. @throws what `raiseSystems` throws, ProductError when the product dies
 */
export const runDemo = async ({ keep, write, paint, cleanUp, onRaised }: DemoOptions): Promise<DemoResult> => {
  const beganAtMs = Date.now()
  const since = (): string => `${((Date.now() - beganAtMs) / 1000).toFixed(1)} s`.padStart(7)
  write(paint('bold', 'onfile: cards on file stay current, from the events on the issuer’s Kafka'))
  const systems = await raiseSystems(cleanUp, line => write(`${paint('gray', since())}  ${line}`))
  await onRaised?.(systems)
  const { topics, knot, vault, issuer, cluster, codecs, product } = systems

  const book = new CardBook(vault)
  for (const story of stories) {
    book.put(story)
    linkMerchants(knot, story)
  }
  write(`
${stories.length} cardholders at the same time, told one after the other. In lower case: what happens to them.
In UPPER CASE: the outcomes that onfile publishes on ${topics.cardOutcomes}.`)
  const startedAtMs = Date.now()
  const account = new Account([...stories.map(chapterOf), STRAYS], accountPrinter(write, paint))
  const now = (): number => Date.now() - startedAtMs
  const ledger = new Ledger(topics, codecs, {
    outcome: outcome => account.note(outcome.user_id, outcomeLine(outcome, now())),
    suppression: suppression => account.note(suppression.user_id, suppressionLine(suppression, now())),
    deadLetter: letter =>
      account.note(STRAYS.id, {
        atMs: now(),
        subject: '',
        word: 'dead letter',
        text: `${positionText(letter)}: ${deadLetterWords(letter.reason, letter.byReference)}`,
        tone: 'bad',
      }),
  })
  const tail = await TopicTail.start(cluster, readTopics(systems), record => ledger.accept(record))
  cleanUp.add(() => tail.close())

  const stage: Stage = {
    knot,
    book,
    issuer,
    evidence: ledger,
    account,
    topics,
    command: words => runCommand({ settings: systems.settings, dir: dirname(systems.stateDir) }, words),
    startedAtMs,
    patienceMs: STORY_PATIENCE_MS,
  }
  const told = await Promise.race([
    Promise.all([
      ...stories.map(story => tellStory(stage, story)),
      scatterStrays(stage, strayRecords(startedAtMs), STRAYS.id),
    ]),
    product.died,
  ])
  await knot.settled()
  await tail.caughtUp()
  write(`\n${paint('gray', since())}  The stream has ended. Comparing, and searching for card data ...`)

  const metrics = await product.metrics()
  const ended = keep ? null : await product.stop()
  await tail.caughtUp()
  const reconciliation = reconcile(ledger, askWitnesses(ledger, knot, book, metrics))
  const leakReport = await searchForLeaks(
    {
      cluster,
      topics: await searchedTopics(systems),
      strayTopic: topics.cardLifecycle,
      log: product.log(),
      stateDir: systems.stateDir,
      metrics,
    },
    secretNeedles(book.all(), stories, { 'Knot secret': knot.secret, 'vault token': vault.token }),
  )
  const exit = ended === null || ended === 'code 0' ? [] : [`onfile run ended with ${ended} instead of code 0.`]
  const storyReport: StoryReport = { told: stories.length, problems: [...told.flat(), ...exit] }
  write('')
  for (const line of summaryLines(reconciliation, leakReport, storyReport, paint)) write(line)
  const problems = allProblems(reconciliation, leakReport, storyReport)
  if (problems.length > 0) write(`The log of onfile: ${keptLog(systems)}`)
  write(paint('gray', `Took ${since().trim()}.`))
  if (!keep) write('npm start -- --keep leaves everything running, with commands to try.')
  return { systems, problems }
}

const chapterOf = ({ person, userId, title }: Story): Chapter => {
  const { first_name, last_name } = testPerson(person).name
  return { id: userId, name: `${first_name} ${last_name}`, title }
}

/** The topics that the account and the reconciliation are read from. */
const readTopics = ({ topics }: Systems): string[] => [
  topics.cardLifecycle,
  topics.knotEvents,
  topics.userEvents,
  topics.provisioningCommands,
  topics.cardSuppressions,
  topics.cardOutcomes,
  topics.dlq,
]

/** On a bed of its own every topic there is, Kafka's own included; on a given one those of the demo. */
const searchedTopics = async ({ bed, topics, issuer }: Systems): Promise<string[]> =>
  bed.how === 'given' ? Object.values(topics).map(topic => topic as string) : issuer.topics()

/** The product's directory goes away at the end: its log is copied to where it stays. */
const keptLog = ({ product }: Systems): string => {
  const path = join(tmpdir(), `onfile-demo-${process.pid}.log`)
  copyFileSync(product.logFile, path)
  return path
}
