import { describe, expect, it } from 'vitest'
import { Outages } from '../../../../src/processors/provision/outages.ts'
import type { AccountsAnswer } from '../../../../src/knot/accounts.ts'
import type { CardAnswer, StatusAnswer } from '../../../../src/vault/cardVault.ts'
import { coded, fakeKnot, newKey } from './fakePorts.ts'

let nowMs = 0
const key = await newKey('k1')
const down: StatusAnswer & CardAnswer = { kind: 'unavailable', trouble: 'connection' }
const noAnswer: AccountsAnswer = { kind: 'unavailable', retryAfterMs: null, httpStatus: null, errorCode: null }

describe('what PROVISION says of the systems that it calls', () => {
  it('names the vault from its first failure to its next answer, whatever that answer says', async () => {
    const outages = new Outages(() => nowMs)
    let answer: StatusAnswer & CardAnswer = down
    const vault = outages.vault({ card: () => Promise.resolve(answer), status: () => Promise.resolve(answer) })
    nowMs = 5
    expect(await vault.status('c')).toBe(down)
    nowMs = 9
    await vault.card('c')
    expect(outages.current()).toEqual([
      {
        system: 'vault',
        reason: 'the card vault failed when it was last called (connection): what needs it is tried again',
        sinceMs: 5,
      },
    ])
    answer = { kind: 'unknown' }
    await vault.card('c')
    expect(outages.current()).toEqual([])
  })

  it.each([
    ['no answer to a look', 'no answer', noAnswer, null],
    ['503 to a look', 'it answers 503', { ...noAnswer, httpStatus: 503 }, null],
    ['no way to a push', 'no answer', null, { kind: 'unreachable' } as const],
    ['500 to a push', 'it answers 500', null, { ...coded('ambiguous', 500), why: 'server_error' } as const],
  ])('names Knot after %s, and no more after a refusal', async (_what, trouble, look, push) => {
    const outages = new Outages(() => 1)
    const fake = fakeKnot(key)
    const knot = outages.knot(fake)
    if (look !== null) {
      fake.accountsAnswer = look
      await knot.accounts('u')
    } else {
      const watched = outages.knot({ ...fake, push: () => Promise.resolve(push) })
      await watched.push({} as never, {} as never, () => true)
    }
    expect(outages.current()).toEqual([
      {
        system: 'knot',
        reason: `Knot failed when it was last called (${trouble}): what needs it is tried again`,
        sinceMs: 1,
      },
    ])
    await knot.key(null)
    expect(outages.current(), 'a cached key proves nothing').toHaveLength(1)
    fake.accountsAnswer = { kind: 'refused', httpStatus: 400, errorCode: 'INVALID_FIELD' }
    await knot.accounts('u')
    expect(outages.current()).toEqual([])
  })

  it('says nothing of a push that was vetoed here', async () => {
    const outages = new Outages(() => 1)
    const knot = outages.knot({ ...fakeKnot(key), push: () => Promise.resolve({ kind: 'vetoed' }) })
    await knot.push({} as never, {} as never, () => false)
    expect(outages.current()).toEqual([])
  })
})
