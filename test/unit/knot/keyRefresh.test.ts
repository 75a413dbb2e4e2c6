import { afterEach, describe, expect, it } from 'vitest'
import { startKnot } from '../../../sandbox/knot/knotSimulator.ts'
import type { KnotSimulator } from '../../../sandbox/knot/knotSimulator.ts'
import { CardUpdater } from '../../../src/knot/cardUpdater.ts'
import type { PushKey } from '../../../src/knot/cardUpdater.ts'
import { KnotApi } from '../../../src/knot/knotApi.ts'
import { judgePush } from '../../../src/processors/provision/pushVerdict.ts'
import type { PushVerdict } from '../../../src/processors/provision/pushVerdict.ts'
import { cardWith } from './cards.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function knotAndUpdater(): Promise<{ knot: KnotSimulator; updater: CardUpdater }> {
  const knot = await startKnot({ webhookDelayMs: 5 })
  const { url, clientId, secret } = knot
  const api = new KnotApi({ url, secureUrl: null, clientId, secret, timeoutMs: 1_000, connections: 2 })
  const updater = new CardUpdater(api, 'jwe')
  cleanUps.push(
    () => knot.stop(),
    () => updater.close(),
  )
  knot.link({ userId: 'ada', merchantId: 19 })
  return { knot, updater }
}

async function keyOf(updater: CardUpdater, refused: PushKey | null): Promise<PushKey> {
  const answer = await updater.key(refused)
  if (answer.kind !== 'key') throw new Error(`no key: ${answer.kind}`)
  return answer.key
}

/** Pushes as long as the verdict says `at_once`, five times at most, with the key that the verdict asks for. */
async function pushAll(updater: CardUpdater, first: PushKey): Promise<PushVerdict[]> {
  const verdicts: PushVerdict[] = []
  let rekeyed = false
  let key = first
  while (verdicts.length < 5) {
    const answer = await updater.push(
      { userId: 'ada', merchantId: 19, taskId: null },
      await updater.seal(cardWith(), key),
      () => true,
    )
    const verdict = judgePush(answer, null, { rekeyed, maybeLanded: false, cancelled: false, confirmed: false })
    verdicts.push(verdict)
    if (verdict.kind !== 'at_once') break
    rekeyed = verdict.rekeyed
    key = await keyOf(updater, key)
  }
  return verdicts
}

const refreshed = { kind: 'at_once', cause: 'invalid_jwe', rekeyed: true }

describe('INVALID_JWE', () => {
  it('of a rotated key: the fresh key is another one, and the second push lands', async () => {
    const { knot, updater } = await knotAndUpdater()
    const key = await keyOf(updater, null)
    const kid = await knot.rotateKey()
    expect(await pushAll(updater, key)).toEqual([refreshed, { kind: 'answered', result: 'ACCEPTED', reason: null }])
    expect(await keyOf(updater, null)).toMatchObject({ kid })
    expect(knot.pushes().map(({ errorCode, landed, jweReused }) => [errorCode, landed, jweReused])).toEqual([
      ['INVALID_JWE', false, false],
      [null, true, false],
    ])
  })

  it('again and again: the key is refreshed once, then the push is rejected', async () => {
    const { knot, updater } = await knotAndUpdater()
    const body = { error_type: 'INVALID_REQUEST', error_code: 'INVALID_JWE', error_message: 'The jwe is invalid.' }
    const http = { kind: 'answer', status: 400, body } as const
    knot.planFaults({ userId: 'ada', merchantId: 19, fault: { http }, requests: 5 })
    expect(await pushAll(updater, await keyOf(updater, null))).toEqual([
      refreshed,
      { kind: 'answered', result: 'REJECTED', reason: 'invalid_jwe' },
    ])
    expect(knot.pushes()).toHaveLength(2)
    expect(knot.faultsLeft()).toBe(1)
  })
})
