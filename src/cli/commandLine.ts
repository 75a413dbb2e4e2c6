import { connectClusterTopics } from './clusterTopics.ts'
import { ONE_SHOT_DEADLINE_MS } from './deadline.ts'
import { EXIT } from './exitCodes.ts'
import { leaveKafkaGroups } from './leave/kafkaLeave.ts'
import { leaveAtOnce } from './leaveAtOnce.ts'
import { openKafkaDesk } from './order/kafkaDesk.ts'
import { readKafkaStory } from './user/kafkaStory.ts'
import { runProgram } from './program.ts'
import { runOnfile } from './run.ts'
import { writeKafkaSwitch } from './switch/kafkaSwitch.ts'

/** Runs one command line (without `node` and the script) with the real parts, and ends the process with its exit code. */
export async function runCommandLine(commandLine: readonly string[]): Promise<never> {
  const exitCode = await runProgram(commandLine, {
    run: runOnfile,
    connectTopicAdmin: connectClusterTopics,
    openOrderDesk: openKafkaDesk,
    readStory: readKafkaStory,
    writeSwitch: writeKafkaSwitch,
    leaveGroups: leaveKafkaGroups,
    environment: process.env,
    terminal: { out: line => console.log(line), err: line => console.error(line) },
    oneShotDeadlineMs: ONE_SHOT_DEADLINE_MS,
  })
  // What a command gave up waiting for may hold the process, and a file that hangs holds `process.exit` too.
  if (exitCode === EXIT.unreachable) leaveAtOnce(exitCode)
  process.exit(exitCode)
}
