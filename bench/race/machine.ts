import { execFile } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { promisify } from 'node:util'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'

const run = promisify(execFile)

/** What a figure was measured on: processors, memory, versions, and the commit of the working tree. */
export async function machineLine(): Promise<string> {
  const processors = cpus()
  const java = /version "([^"]+)"/.exec((await run('java', ['-version'])).stderr)?.[1] ?? 'unknown'
  const commit = await run('git', ['rev-parse', '--short', 'HEAD']).then(
    ({ stdout }) => `, commit ${stdout.trim()}`,
    () => '',
  )
  const memoryGb = Math.round(totalmem() / 2 ** 30)
  return (
    `${processors.length} cores (${processors[0]?.model.trim() ?? 'unknown'}), ${memoryGb} GB. ` +
    `Kafka broker and Streams ${KAFKA_VERSION}, Java ${java}, Node ${process.versions.node}${commit}.`
  )
}
