import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProvisioningCommand } from '../../../../src/domain/records.ts'
import { cancel, command } from './fakePorts.ts'
import { ANSWERS, LedgerModel } from './ledgerModel.ts'

type Step =
  | {
      readonly do: 'command'
      readonly user: string
      readonly merchant: number
      readonly kind: ProvisioningCommand['kind']
    }
  | { readonly do: 'cancel'; readonly user: string; readonly merchant: number | null; readonly card: string | null }
  | { readonly do: 'read' | 'deliver'; readonly count: number }
  | { readonly do: 'commit' | 'begin commit' | 'cycle' | 'pause' | 'resume' }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'wire'; readonly index: number }
  | { readonly do: 'answer'; readonly index: number; readonly answer: string }
  | { readonly do: 'confirm'; readonly index: number }
  | { readonly do: 'heartbeats'; readonly areStale: boolean }
  | { readonly do: 'vault'; readonly hasCard: boolean }
  | { readonly do: 'crash'; readonly zombie: boolean }

const user = fc.constantFrom('ada', 'bob')
const merchant = fc.constantFrom(1, 2)
const index = fc.nat(5)
const sometimes = fc.nat(2).map(n => n === 0)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('command' as const),
      user,
      merchant,
      kind: fc.constantFrom(
        'SWITCH' as const,
        'SWITCH' as const,
        'SWITCH' as const,
        'DISCOVER' as const,
        'RECONCILE' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('cancel' as const),
      user,
      merchant: fc.option(merchant),
      card: fc.option(fc.constantFrom('card-a', 'card-b')),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('read' as const), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('begin commit' as const) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('cycle' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(200, 500, 1_000, 1_000, 2_000, 3_000, 31_000),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wire' as const), index }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      index,
      answer: fc.constantFrom(...Object.keys(ANSWERS)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('confirm' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('heartbeats' as const), areStale: sometimes }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('vault' as const), hasCard: sometimes.map(not => !not) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('resume' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), zombie: fc.boolean() }) },
)

async function play(steps: readonly Step[]): Promise<LedgerModel> {
  const model = await LedgerModel.open()
  const seq = { ada: 0, bob: 0 } as Record<string, number>
  for (const one of steps) {
    switch (one.do) {
      case 'command': {
        const n = ++seq[one.user]!
        const not_before = n % 5 === 0 ? model.bed.clock.ms + 2_000 : null
        const not_after = n % 7 === 0 ? model.bed.clock.ms + 5_000 : null
        const card_ref = n % 3 === 0 ? 'card-b' : 'card-a'
        const merchant_id = one.kind === 'DISCOVER' ? null : one.merchant
        model.produce(command(n, { kind: one.kind, user_id: one.user, merchant_id, card_ref, not_before, not_after }))
        break
      }
      case 'cancel':
        model.produce(cancel(++seq[one.user]!, { merchant_id: one.merchant, card_ref: one.card }, one.user))
        break
      case 'confirm': {
        const confirmed = model.switchAt(one.index)
        if (confirmed === undefined) break
        const { user_id, merchant_id, command_id } = confirmed
        model.produce({ ...cancel(++seq[user_id]!, { merchant_id, command_id }, user_id), reason: 'confirmed' })
        break
      }
      case 'heartbeats':
        model.bed.task.heartbeatAgeMs = one.areStale ? 22_500 : 0
        break
      case 'vault':
        model.setVault(one.hasCard)
        break
      case 'read':
        model.read(one.count)
        break
      case 'deliver':
        model.bed.task.deliver(one.count)
        break
      case 'commit':
        model.commit()
        break
      case 'cycle':
        model.commit()
        await new Promise(resolve => setImmediate(resolve))
        model.bed.task.deliver()
        break
      case 'begin commit':
        model.bed.task.beginCommit()
        break
      case 'advance':
        model.advance(one.ms)
        break
      case 'wire':
        model.wire(one.index)
        break
      case 'answer':
        model.answer(one.index, one.answer)
        break
      case 'pause':
        model.pause()
        break
      case 'resume':
        model.resume()
        break
      case 'crash':
        model.crash(one.zombie)
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  await model.finish()
  return model
}

describe('whatever happens, in whatever order', () => {
  it('one push in flight per account, in order, none after a CANCEL, none repeated or denied blindly, one answer per command', async () => {
    let pushes = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 80, maxLength: 200, size: 'max' }), async steps => {
        pushes += (await play(steps)).requests.length
      }),
      { numRuns: 300 },
    )
    expect(pushes).toBeGreaterThan(1_000)
  })
})
