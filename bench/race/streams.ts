import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const raceDirectory = fileURLToPath(new URL('./', import.meta.url))
const cacheDirectory = fileURLToPath(new URL('../../.cache/race/', import.meta.url))

/** One line of JSON that the harness printed: what it measured, by name. */
export type HarnessResult = Readonly<Record<string, unknown>>

/** The Java program of `streams/`: the peer, the generator and the harness. */
export interface StreamsProgram {
  readonly classPath: string
  /** Runs `bench.Bench COMMAND ARGS`, with its progress on standard error; the JSON lines that it printed. */
  harness(command: string, args: readonly string[]): Promise<HarnessResult[]>
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
}

/** Builds it with Maven below `.cache/race`, once for each state of the sources. Needs Java 17 and Maven. */
export async function buildStreams(): Promise<StreamsProgram> {
  const hash = createHash('sha256')
  for (const part of ['streams', 'schemas']) {
    for (const file of filesBelow(join(raceDirectory, part))) hash.update(readFileSync(file))
  }
  const target = join(cacheDirectory, `streams-${hash.digest('hex').slice(0, 8)}`)
  if (!existsSync(target)) {
    process.stderr.write('Building the Kafka Streams program with Maven, once\n')
    mkdirSync(cacheDirectory, { recursive: true })
    const incoming = join(cacheDirectory, `incoming-${process.pid}`)
    const pom = join(raceDirectory, 'streams', 'pom.xml')
    await run('mvn', ['-q', '-B', '-f', pom, `-Drace.target=${incoming}`, 'package'], { maxBuffer: 1 << 26 })
    if (existsSync(target)) rmSync(incoming, { recursive: true })
    else renameSync(incoming, target)
  }
  const classPath = `${join(target, 'streams-peer.jar')}:${join(target, 'lib', '*')}`
  return { classPath, harness: (command, args) => runHarness(classPath, command, args) }
}

/** JVM settings of the harness; it is not what is measured. */
const HARNESS_JVM = ['-Xmx512m', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

async function runHarness(classPath: string, command: string, args: readonly string[]): Promise<HarnessResult[]> {
  const child = spawn('java', [...HARNESS_JVM, '-cp', classPath, 'bench.Bench', command, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`The harness failed at ${command} (exit code ${code ?? 'none'}): ${output}`)
  return output
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as HarnessResult)
}
