import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { cutsOf, inputOf, runCase } from '../../fuzz/caseRun.ts'
import { decodeAnswer, RESPONSE_DECODERS, responseTargets, versionsOf } from '../../fuzz/responses.ts'
import { runRound } from '../../fuzz/rounds.ts'
import { targets } from '../../fuzz/table.ts'
import type { Target } from '../../fuzz/target.ts'
import { planFor, runWatched } from '../../fuzz/watched.ts'

const all = await targets()

/** Exported by `src/kafka/requests` beside the requests. */
const NO_REQUESTS = ['isolationNumber']

/** Whatever decodes elsewhere, by its name, and the target that reaches it. */
const DECODER_NAME = /^(decode|decompress|scan|check\w*Batches|first\w+Of)|(Codecs?|Reader)$/
const REACHED_BY: Readonly<Record<string, string>> = {
  Reader: 'fetchRecords v11',
  decodeSubscription: 'decodeSubscription',
  decodeAssignment: 'decodeAssignment',
  checkBatches: 'record batches',
  scanRecords: 'record batches',
  firstTimestampOf: 'record batches',
  // Reads through a subscription, which checks.
  scanPartition: 'record batches',
  decompress: 'record batches under a right checksum, zstd',
  decodeSnappy: 'record batches under a right checksum, snappy',
  decodeLz4Frames: 'record batches under a right checksum, lz4',
  decodeAll: 'card-outcome, framed',
  framedCodec: 'card-outcome, framed',
  recordCodecs: 'card-outcome, framed',
  FramedReader: 'card-outcome, framed by another release',
  lenientReader: 'lifecycle input',
  versionedCodec: 'user state',
  bareCodec: 'arrays and maps in each other',
  createUserStateCodec: 'user state',
  createMerchantStateCodec: 'merchant state',
  createForgottenUserCodec: 'forgotten user',
  createTotalsCodec: 'totals',
  createLedgerCodec: 'ledger of commands',
}

describe('the table of decoders', () => {
  it('holds every request that src/kafka/requests exports', async () => {
    const folder = new URL('../../../src/kafka/requests/', import.meta.url)
    const exported: string[] = []
    for (const file of readdirSync(folder)) {
      const module = (await import(new URL(file, folder).href)) as Record<string, unknown>
      exported.push(...Object.keys(module).filter(name => typeof module[name] === 'function'))
    }
    expect(RESPONSE_DECODERS.map(({ name }) => name).toSorted()).toEqual(
      exported.filter(name => !NO_REQUESTS.includes(name)).toSorted(),
    )
  })

  it('reaches every other decoder that src/kafka, src/avro and the processors export', () => {
    const names = ['kafka', 'avro', 'processors'].flatMap(folder => exportedNames(`../../../src/${folder}/`))
    expect(Object.keys(REACHED_BY).toSorted()).toEqual(names.filter(name => DECODER_NAME.test(name)).toSorted())
    const targetNames = all.map(({ name }) => name)
    for (const target of Object.values(REACHED_BY)) expect(targetNames).toContain(target)
  })

  it('has each version in which a request may be sent', () => {
    const produce = RESPONSE_DECODERS.find(({ name }) => name === 'produce')!
    expect(produce.requests.map(versionsOf)).toEqual([[9, 10, 11], [12]])
    const names = responseTargets().map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  it('has answers that are read to their last byte, and samples that all decoders take', () => {
    for (const { name, requests } of RESPONSE_DECODERS) {
      for (const request of requests) {
        for (const version of versionsOf(request)) {
          const target = all.find(one => one.name === `${name} v${version}`)!
          const rest = decodeAnswer(request, version, target.samples[0]!.bytes).remaining
          // Tagged fields at the end are left where nothing is read after them.
          expect(rest, `${name} v${version}`).toBeLessThan(request.api.key === 13 ? 100 : 8)
        }
      }
    }
    for (const target of all) {
      for (const [index, { bytes }] of target.samples.entries()) {
        const result = runCase(target, target.dress === undefined ? bytes : target.dress(bytes, index))
        expect(result, `${target.name}, sample ${index}`).toMatchObject({ kind: 'value' })
      }
    }
  })
})

describe('a case', () => {
  it('follows from seed and index alone', () => {
    for (const target of all) {
      const index = cutsOf(target) + 17
      expect(inputOf(target, 5, index)).toEqual(inputOf(target, 5, index))
      const inputs = Array.from({ length: 20 }, (_, at) => inputOf(target, 5, index + at).toString('hex'))
      expect(new Set(inputs).size, target.name).toBeGreaterThan(5)
    }
  })

  it.each([
    ['throws what is no error of ours', () => Buffer.alloc(0).readInt8(0), 'RangeError'],
    ['takes too long', () => spin(60), 'took'],
    ['allocates out of proportion', () => Array.from({ length: 400_000 }, () => ({})), 'allocated'],
  ])('that %s breaks the law', (_what, decode, why) => {
    const target: Target = { ...all[0]!, decode, isTyped: error => error instanceof TypeError }
    expect(runCase(target, Buffer.alloc(4))).toEqual({ kind: 'violation', why: expect.stringContaining(why) as string })
  })

  it('that breaks the law is named by its index', async () => {
    const target: Target = {
      ...all[0]!,
      decode: bytes => {
        if (bytes.length > 30) throw new TypeError('of no decoder of ours')
      },
    }
    const { violations } = await runRound(target, { seed: 3, cases: 500, untilMs: Infinity, onCase: () => undefined })
    expect(violations.length).toBeGreaterThan(0)
    for (const { seed, index } of violations) {
      expect(runCase(target, inputOf(target, seed, index)).kind).toBe('violation')
    }
  })
})

it('every decoder answers some thousands of damaged inputs by the law', { timeout: 120_000 }, async () => {
  const plan = planFor(all, 2_000)
  const results = await runWatched({ seed: 20_261_128, plan, seconds: 100 })
  expect(results.flatMap(({ violations }) => violations)).toEqual([])
  expect(results.map(({ target, cases }) => ({ target, cases }))).toEqual(plan)
})

it.each([
  ['endless', 7, 'stands for 700 ms'],
  ['voracious', 9, 'ERR_WORKER_OUT_OF_MEMORY'],
])('a decoder that is %s ends its thread, and the case is known', { timeout: 60_000 }, async (target, index, why) => {
  const table = new URL('./brokenTargets.ts', import.meta.url)
  const plan = [{ target, cases: 100 }]
  const hangsAfterMs = target === 'endless' ? 700 : 50_000
  const results = await runWatched({ seed: 1, plan, seconds: 50, table, hangsAfterMs, heapMib: 64 })
  const violation = { target, seed: 1, index, why: expect.stringContaining(why) as string }
  expect(results).toMatchObject([{ target, violations: [violation] }])
})

const EXPORTED = /^export (?:async )?(?:function\*?|class) (\w+)/gm

/** Of functions and classes below a folder. */
function exportedNames(folder: string): readonly string[] {
  const root = new URL(folder, import.meta.url)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  const sources = files.filter(file => file.endsWith('.ts') && !file.startsWith('requests'))
  return sources.flatMap(file =>
    [...readFileSync(new URL(file, root), 'utf8').matchAll(EXPORTED)].map(([, name]) => name!),
  )
}

/** Of CPU time. Asking for it allocates: so not too often, however long the machine lets this wait. */
function spin(ms: number): number {
  const startedAt = process.threadCpuUsage()
  let burnt = 0
  while (process.threadCpuUsage(startedAt).user < ms * 1_000) {
    for (let i = 0; i < 1_000_000; i++) burnt = (burnt * 31 + i) | 0
  }
  return burnt
}
