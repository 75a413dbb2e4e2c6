#!/usr/bin/env node
import { connectClusterTopics } from './clusterTopics.ts'
import { ONE_SHOT_DEADLINE_MS } from './deadline.ts'
import { runProgram } from './program.ts'
import { runOnfile } from './run.ts'

const exitCode = await runProgram(process.argv.slice(2), {
  run: runOnfile,
  connectTopicAdmin: connectClusterTopics,
  environment: process.env,
  terminal: { out: line => console.log(line), err: line => console.error(line) },
  oneShotDeadlineMs: ONE_SHOT_DEADLINE_MS,
})
// What a command gave up waiting for may still hold the process.
process.exit(exitCode)
