/**
 * Feeds damaged bytes to every decoder. Exits with 1 when one of them breaks the law: a value or a typed error, in
 * bounded time and memory.
 *
 *   npm run fuzz -- [--cases 100000, per target] [--target part-of-a-name] [--seed 1] [--seconds 3600] [--threads 2] [--write]
 *   npm run fuzz -- --target NAME --seed N --index N    replays one case
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { inputOf, runCase } from './caseRun.ts'
import { fuzzingPage } from './page.ts'
import type { TargetResult } from './rounds.ts'
import { targets } from './table.ts'
import type { Target } from './target.ts'
import { planFor, runWatched } from './watched.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    target: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    index: { type: 'string' },
    seconds: { type: 'string', default: '3600' },
    threads: { type: 'string', default: '2' },
    write: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const all = await targets()
const exact = all.filter(({ name }) => name === values.target)
const chosen = exact.length > 0 ? exact : all.filter(({ name }) => name.includes(values.target))

if (chosen.length === 0) {
  print(`no target is called like ${values.target}; there are:\n${all.map(({ name }) => `  ${name}`).join('\n')}`)
  process.exitCode = 1
} else if (values.index !== undefined) {
  replay(chosen[0]!, Number(values.index))
} else {
  await fuzz()
}

function replay(target: Target, index: number): void {
  const input = inputOf(target, seed, index)
  print(`${target.name}, seed ${seed}, case ${index}: ${input.length} bytes\n${input.toString('hex')}`)
  try {
    target.decode(input)
    print('decoded')
  } catch (error) {
    print(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const result = runCase(target, input)
  print(JSON.stringify(result))
  if (result.kind === 'violation') process.exitCode = 1
}

async function fuzz(): Promise<void> {
  print(`${chosen.length} targets, seed ${seed}`)
  const startedMs = performance.now()
  const plan = planFor(chosen, Number(values.cases))
  const threads = Number(values.threads)
  const parts = Array.from({ length: threads }, (_, part) => plan.filter((_target, place) => place % threads === part))
  const runs = parts.map(part => {
    return runWatched({ seed, plan: part, seconds: Number(values.seconds), onResult: printResult })
  })
  const byTarget = Map.groupBy((await Promise.all(runs)).flat(), ({ target }) => target)
  const results = plan.flatMap(({ target }) => byTarget.get(target) ?? [])
  const seconds = Math.round((performance.now() - startedMs) / 1_000)
  const peakBytes = process.resourceUsage().maxRSS * 1_024
  const cases = results.reduce((sum, result) => sum + result.cases, 0)
  const violations = results.flatMap(result => result.violations)
  for (const { target, index, why } of violations) {
    print(`VIOLATION  --target '${target}' --seed ${seed} --index ${index}\n${why}\n`)
  }
  print(
    `${cases} cases in ${seconds} s, peak memory ${Math.round(peakBytes / 2 ** 20)} MiB, ${violations.length} violations`,
  )
  if (violations.length > 0 || results.length < plan.length) process.exitCode = 1
  else if (values.write) {
    writeFileSync(
      new URL('../../docs/fuzzing.md', import.meta.url),
      fuzzingPage({ seed, seconds, threads, peakBytes, results }),
    )
  }
}

function printResult({ target, cases, values: read, typedErrors, slowestMs, violations }: TargetResult): void {
  const verdict = violations.length === 0 ? '' : `  ${violations.length} VIOLATIONS`
  print(
    `${target}: ${cases} cases, ${read} values, ${typedErrors} errors, slowest ${slowestMs.toFixed(1)} ms${verdict}`,
  )
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
