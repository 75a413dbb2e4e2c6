import { runProgram } from '../../../src/cli/program.ts'
import type { ProgramParts } from '../../../src/cli/program.ts'
import type { TopicAdmin } from '../../../src/cli/topics.ts'
import type { ExitCode } from '../../../src/cli/exitCodes.ts'
import { expectedTopics } from '../../../src/config/topicPlan.ts'
import type { AccessRight } from '../../../src/config/accessRights.ts'
import type { FoundTopic, FoundTopics, TopicCreation } from '../../../src/config/topicPlan.ts'
import { loadConfig } from '../../../src/config/load.ts'

/** A settings file with nothing in it, instead of one in the working directory. */
export const NO_SETTINGS = '/dev/null'

export interface Ended {
  readonly code: ExitCode
  readonly out: string
  readonly err: string
}

/**
 * Runs a command line (a text without blanks in its words, or the words) in this process, away from any settings file of
 * the working directory.
 */
export async function onfile(
  commandLine: string | readonly string[],
  environment: NodeJS.ProcessEnv = {},
  parts: Partial<ProgramParts> = {},
): Promise<Ended> {
  const out: string[] = []
  const err: string[] = []
  const code = await runProgram(typeof commandLine === 'string' ? commandLine.split(' ') : commandLine, {
    run: () => Promise.reject(new Error('no roles here')),
    connectTopicAdmin: () => Promise.reject(new Error('no brokers here')),
    openOrderDesk: () => Promise.reject(new Error('no brokers here')),
    readStory: () => Promise.reject(new Error('no brokers here')),
    writeSwitch: () => Promise.reject(new Error('no brokers here')),
    leaveGroups: () => Promise.reject(new Error('no brokers here')),
    environment: { ONFILE_CONFIG: NO_SETTINGS, ...environment },
    terminal: { out: line => out.push(line), err: line => err.push(line) },
    oneShotDeadlineMs: 2_000,
    ...parts,
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

/** A cluster that exists in memory only: what the topic commands do is decided before a broker is asked. */
export class MemoryTopics implements TopicAdmin {
  readonly topics = new Map<string, FoundTopic | 'hidden'>()
  /** Names of resources on which this principal has no right. */
  readonly denied = new Set<string>()
  readonly created: string[] = []
  closed = 0

  describe(names: readonly string[]): Promise<FoundTopics> {
    return Promise.resolve(new Map([...this.topics].filter(([name]) => names.includes(name))))
  }

  missingRights(rights: readonly AccessRight[]): Promise<AccessRight[]> {
    return Promise.resolve(rights.filter(({ name }) => this.denied.has(name)))
  }

  create(topics: readonly TopicCreation[]): Promise<void> {
    for (const topic of topics) {
      this.created.push(topic.name)
      const settings = new Map(topic.settings.map(setting => [setting.name, setting.value]))
      this.topics.set(topic.name, { ...topic, settings })
    }
    return Promise.resolve()
  }

  change(name: string, more: Partial<FoundTopic>): void {
    const topic = this.topics.get(name)
    if (topic === undefined || topic === 'hidden') throw new Error(`${name} is not there to be changed`)
    this.topics.set(name, { ...topic, ...more })
  }

  close(): Promise<void> {
    this.closed++
    return Promise.resolve()
  }

  /** Everything as onfile expects it. */
  static right(): MemoryTopics {
    const admin = new MemoryTopics()
    for (const { name, settings } of expectedTopics(loadConfig({ file: NO_SETTINGS, environment: {} }, 'print'))) {
      const found = new Map(settings.map(setting => [setting.name, setting.value]))
      admin.topics.set(name, { name, partitions: 12, replicationFactor: 3, settings: found })
    }
    return admin
  }
}
