import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { updatesOf } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'

/** One card conversion: all these users at one merchant, that takes so many pushes per second. */
const CONVERTED = 300
const PUSHES_PER_SECOND = 15
const BUSY = 16
const ELSEWHERE = 44
/** Everyday updates beside it. */
const OTHERS = 8

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    knot: { webhookDelayMs: 20 },
    settings: {
      ONFILE_PROVISION_MERCHANT_RATE_PER_SECOND: String(PUSHES_PER_SECOND),
      ONFILE_POLICY_RESULT_SOFT: '60s',
      ONFILE_POLICY_RESULT_HARD: '90s',
    },
  })
})
afterEach(() => run.close())

it(
  'a card conversion goes at the pace of its merchant, and costs the others, there and elsewhere, next to nothing',
  { retry: 0 },
  async () => {
    const send = (...users: readonly string[]) => run.sendLifecycle(...updatesOf(...users))
    const converted = Array.from({ length: CONVERTED }, (_, index) => `converted-${index}`)
    converted.forEach((userId, index) => run.addUser(userId, index, [BUSY]))
    for (let index = 0; index < OTHERS; index++) {
      run.addUser(`elsewhere-${index}`, CONVERTED + index, [ELSEWHERE])
      run.addUser(`there-${index}`, CONVERTED + OTHERS + index, [BUSY])
    }
    const product = run.start()
    await product.ready()
    await send(...converted)
    while ((await product.metric('onfile_provision_merchant_waiting', `"${BUSY}"`)) < CONVERTED / 2) await wait(50)

    const sentAtMs = new Map<string, number>()
    for (let index = 0; index < OTHERS; index++) {
      for (const userId of [`elsewhere-${index}`, `there-${index}`]) {
        sentAtMs.set(userId, Date.now())
        await send(userId)
      }
      await wait(500)
    }
    const done = (userId: string) => run.knot.pushes(userId).length === 1
    const deadline = Date.now() + 30_000
    while (![...sentAtMs.keys()].every(done) && Date.now() < deadline) await wait(50)
    // The conversion was still going on.
    const left = CONVERTED - run.knot.pushes().filter(({ userId }) => userId?.startsWith('converted-')).length
    expect(left).toBeGreaterThan(CONVERTED / 4)

    const waits = (group: string): number[] =>
      [...sentAtMs]
        .filter(([userId]) => userId.startsWith(group))
        .map(([userId, atMs]) => run.knot.pushes(userId)[0]!.atMs - atMs)
        .sort((a, b) => a - b)
    // Alone each takes some tenths of a second on an idle machine; behind the conversion it would take what is left of 20 s.
    expect(waits('elsewhere').at(-1)).toBeLessThan(8_000)
    expect(waits('there').at(-1)).toBeLessThan(8_000)

    await run.expectExact(60_000)
    const atBusy = run.knot.pushes().filter(({ merchantId }) => merchantId === BUSY)
    expect(atBusy).toHaveLength(CONVERTED + OTHERS)
    const seconds = (atBusy.at(-1)!.atMs - atBusy[0]!.atMs) / 1_000
    expect(atBusy.length / seconds).toBeLessThan(PUSHES_PER_SECOND * 1.1)
    expect(atBusy.length / seconds).toBeGreaterThan(PUSHES_PER_SECOND * 0.5)
  },
)

it(
  'a user with forty merchants gets one push at each, never two at once, and everything is explained',
  { retry: 0 },
  async () => {
    const merchants = Array.from({ length: 40 }, (_, index) => 1_000 + index)
    run.addUser('everywhere', 1, merchants)
    const product = run.start()
    await product.ready()
    await run.sendLifecycle(...updatesOf('everywhere'))
    await expect.poll(() => run.knot.pushes('everywhere').length, { timeout: 60_000 }).toBe(merchants.length)
    const { outcomes } = await run.expectExact(60_000)
    const pushes = run.knot.pushes('everywhere')
    expect(pushes.map(({ merchantId }) => merchantId).sort()).toEqual(merchants)
    expect(merchants.map(merchantId => run.knot.pushesInFlightMax('everywhere', merchantId))).toEqual(
      merchants.map(() => 1),
    )
    const updated = outcomes.flatMap(({ value: { status, merchant_id } }) =>
      status === 'UPDATED' ? [merchant_id] : [],
    )
    expect(updated.sort()).toEqual(merchants)
  },
)
