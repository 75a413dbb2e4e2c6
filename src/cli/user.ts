import type { Config } from '../config/config.ts'
import { scrub } from '../telemetry/scrub.ts'
import { GaveUpError, withinDeadline } from './deadline.ts'
import { EXIT } from './exitCodes.ts'
import type { ExitCode } from './exitCodes.ts'
import type { Terminal } from './report.ts'
import { storyPage } from './user/page.ts'
import { isEmpty } from './user/story.ts'
import type { ReadStory, StoryQuestion } from './user/story.ts'

/** The topics were not read to their end in time. Exit code 69. */
export class StoryUnfinishedError extends Error {
  override readonly name = 'StoryUnfinishedError'
  readonly code = 'STORY_UNFINISHED'

  constructor(userId: string, withinMs: number, brokers: readonly string[]) {
    super(
      `The story of ${userId} was not read within ${withinMs / 1_000} s from Kafka at ${brokers.join(', ')}: ask for fewer ` +
        '--days, give it more time (--within 5m), or check whether the cluster and the schema registry answer',
    )
  }
}

export interface StoryOptions {
  readonly json: boolean
  /** Also what a person need not know: commands, answers, suppressions. */
  readonly everything: boolean
  readonly withinMs: number
}

/** `onfile user`: what happened to a user, how things stand, what comes next. Exit 1 where nothing is known. */
export async function showUser(
  config: Config,
  terminal: Terminal,
  question: StoryQuestion,
  { json, everything, withinMs }: StoryOptions,
  readStory: ReadStory,
): Promise<ExitCode> {
  const story = await withinDeadline('Kafka', withinMs, signal => readStory(config, question, signal)).catch(
    (error: unknown) => {
      const { brokers } = config.kafka
      throw error instanceof GaveUpError ? new StoryUnfinishedError(question.userId, withinMs, brokers) : error
    },
  )
  if (json) terminal.out(scrub(JSON.stringify(story)))
  else for (const line of storyPage(story, everything)) terminal.out(line)
  return isEmpty(story) ? EXIT.failed : EXIT.done
}
