import { committedRecords } from '../readCommitted.ts'
import { expectedLines } from './topology.ts'
import type { ChainTopics } from './topology.ts'

/** What is wrong with the output; all empty when it is exact. */
export interface Verdict {
  readonly missing: readonly string[]
  readonly doubled: readonly string[]
  /** What no input can have caused: a broken chain, an effect or timer that nobody asked for. */
  readonly foreign: readonly string[]
  readonly disordered: readonly string[]
}

/** What a case has shown at its end: all partitions exact, all that did not stop, or only that it stopped and wrote nothing. */
export type Shown = 'exact' | 'stopped as said, the others exact' | 'stopped as said'

/**
 * Compares the output with the input, both as Apache's consumer reads them (so it does not matter if the test's own
 * producer wrote a record twice). `partitions` limits it to some.
 */
export async function judgeChains(
  brokers: string,
  topics: ChainTopics,
  partitions?: ReadonlySet<number>,
): Promise<Verdict & { readonly inputs: number }> {
  const lines = await linesOf(brokers, [topics.input, topics.output], partitions)
  const inputs = lines.get(topics.input)!
  const outputs = lines.get(topics.output)!
  const missing: string[] = []
  const doubled: string[] = []
  const foreign: string[] = []
  const disordered: string[] = []
  for (const key of new Set([...inputs.keys(), ...outputs.keys()])) {
    const expected = expectedLines(inputs.get(key) ?? [])
    const seen = new Set<string>()
    let last = 0
    for (const line of outputs.get(key) ?? []) {
      if (!expected.has(line)) foreign.push(`${key}: ${line}`)
      if (seen.has(line)) doubled.push(`${key}: ${line}`)
      seen.add(line)
      const [kind, count] = line.split(' ')
      if (kind !== 'link') {
        if (Number(count) > last) disordered.push(`${key}: ${line} before its cause`)
        continue
      }
      if (Number(count) <= last) disordered.push(`${key}: ${line} after ${last}`)
      last = Number(count)
    }
    for (const line of expected) if (!seen.has(line)) missing.push(`${key}: ${line}`)
  }
  const count = [...inputs.values()].reduce((sum, lines) => sum + lines.length, 0)
  return { missing, doubled, foreign, disordered, inputs: count }
}

/** The timer lines that stand in the output before their key's link of that number, and how many stand behind it. */
export async function timersAt(
  brokers: string,
  topics: ChainTopics,
  link: number,
): Promise<{ readonly before: readonly string[]; readonly behind: number }> {
  const lines = await linesOf(brokers, [topics.output])
  const before: string[] = []
  let behind = 0
  for (const [key, ofKey] of lines.get(topics.output)!) {
    let last = 0
    for (const line of ofKey) {
      const [kind, count] = line.split(' ')
      if (kind === 'link') last = Number(count)
      if (kind !== 'timer') continue
      if (last >= link) behind++
      else before.push(`${key}: ${line} behind link ${last}`)
    }
  }
  return { before, behind }
}

/** Of each topic, the values of each key in their order, as Apache's consumer reads them. */
async function linesOf(
  brokers: string,
  topics: readonly string[],
  partitions?: ReadonlySet<number>,
): Promise<Map<string, Map<string, string[]>>> {
  const byTopic = new Map(topics.map(topic => [topic, new Map<string, string[]>()]))
  for await (const { topic, partition, key, value } of committedRecords(brokers, topics)) {
    if (partitions?.has(partition) === false) continue
    const byKey = byTopic.get(topic)!
    const name = key?.toString() ?? ''
    const lines = byKey.get(name) ?? []
    byKey.set(name, lines)
    lines.push(value?.toString() ?? '')
  }
  return byTopic
}
