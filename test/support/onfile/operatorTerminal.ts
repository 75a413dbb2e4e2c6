import { ONE_SHOT_DEADLINE_MS } from '../../../src/cli/deadline.ts'
import { openKafkaDesk } from '../../../src/cli/order/kafkaDesk.ts'
import { writeKafkaSwitch } from '../../../src/cli/switch/kafkaSwitch.ts'
import { readKafkaStory } from '../../../src/cli/user/kafkaStory.ts'
import { onfile } from '../../unit/cli/commandLine.ts'
import type { Ended } from '../../unit/cli/commandLine.ts'
import type { OnfileRun } from './onfileRun.ts'

/** A terminal beside a run: commands of onfile in this process, with the settings of the run. Keeps what was shown. */
export class OperatorTerminal {
  readonly shown: string[] = []
  private readonly run: OnfileRun

  constructor(run: OnfileRun) {
    this.run = run
  }

  async onfile(...words: readonly string[]): Promise<Ended> {
    const ended = await onfile(
      words,
      { USER: 'ops', ...this.run.environment() },
      {
        openOrderDesk: openKafkaDesk,
        readStory: readKafkaStory,
        writeSwitch: writeKafkaSwitch,
        oneShotDeadlineMs: ONE_SHOT_DEADLINE_MS,
      },
    )
    this.shown.push(ended.out, ended.err)
    return ended
  }
}
