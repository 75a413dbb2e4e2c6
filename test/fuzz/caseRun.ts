import { getHeapStatistics } from 'node:v8'
import { mutated } from './mutations.ts'
import { Random } from './random.ts'
import type { Target } from './target.ts'

/** A case takes no longer, of the thread's CPU time: others share the machine. The least of some runs counts. */
export const CASE_LIMIT_MS = 50
/** From so many milliseconds on the wall the CPU time is measured. */
const LONG_MS = 2
/** A case allocates no more than this plus so many bytes per byte of its input, and what the target's allowance adds. */
export const ALLOCATION_BASE_BYTES = 1 << 20
export const ALLOCATION_PER_INPUT_BYTE = 512
const MEASURED_AGAIN = 5

export type CaseResult =
  | { readonly kind: 'value' | 'typed error'; readonly ms: number; readonly allocatedBytes: number }
  | { readonly kind: 'violation'; readonly why: string }

/** The input of a case. The first cases of a target are its samples cut at each length, all others are random damage. */
export function inputOf(target: Target, seed: number, index: number): Buffer {
  const random = new Random(seed, target.name, index)
  return target.dress === undefined
    ? damagedSample(target, random, index)
    : target.dress(damagedSample(target, random, index), index)
}

/** How many cuts there are: cases below this index. */
export function cutsOf({ samples }: Target): number {
  return samples.reduce((sum, { bytes }) => sum + bytes.length + 1, 0)
}

/** Decodes one input and judges what came of it. */
export function runCase(target: Target, input: Buffer): CaseResult {
  const mostBytes = ALLOCATION_BASE_BYTES + ALLOCATION_PER_INPUT_BYTE * input.length + (target.allowanceBytes ?? 0)
  const [first, firstBytes] = measured(target, input)
  if (first.why !== undefined) return { kind: 'violation', why: first.why }
  // Compiling and other threads allocate too, and a collection hides what a run did: neither happens most of the time.
  const allocatedBytes = firstBytes > mostBytes ? medianBytes(target, input) : firstBytes
  if (allocatedBytes > mostBytes) {
    return { kind: 'violation', why: `allocated ${allocatedBytes} bytes for ${input.length} bytes of input` }
  }
  let { ms } = first
  for (let again = 0; ms > LONG_MS && again < MEASURED_AGAIN; again++) ms = Math.min(ms, cpuMs(target, input))
  if (ms > CASE_LIMIT_MS) return { kind: 'violation', why: `took ${ms.toFixed(0)} ms` }
  return { kind: first.isValue ? 'value' : 'typed error', ms, allocatedBytes }
}

function damagedSample({ samples }: Target, random: Random, index: number): Buffer {
  let cut = index
  for (const { bytes } of samples) {
    if (cut <= bytes.length) return bytes.subarray(0, cut)
    cut -= bytes.length + 1
  }
  return mutated(random.pick(samples), samples, random)
}

interface Decoded {
  readonly ms: number
  readonly isValue: boolean
  readonly why?: string
}

function decoded(target: Target, input: Buffer): Decoded {
  const startedMs = performance.now()
  try {
    target.decode(input)
    return { ms: performance.now() - startedMs, isValue: true }
  } catch (error) {
    const ms = performance.now() - startedMs
    if (target.isTyped(error)) return { ms, isValue: false }
    return { ms, isValue: false, why: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

/** What a run gave, and how much it allocated. */
function measured(target: Target, input: Buffer): [Decoded, number] {
  const before = allocated()
  const run = decoded(target, input)
  return [run, Math.max(0, allocated() - before)]
}

function medianBytes(target: Target, input: Buffer): number {
  const runs = Array.from({ length: MEASURED_AGAIN }, () => measured(target, input)[1])
  return runs.toSorted((a, b) => a - b)[MEASURED_AGAIN >> 1]!
}

function cpuMs(target: Target, input: Buffer): number {
  const before = process.threadCpuUsage()
  decoded(target, input)
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}

/** Grows with each allocation; a collection in between makes the case look small, the next one like it does not. */
function allocated(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}
