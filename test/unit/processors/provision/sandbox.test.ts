import { afterEach, describe, expect, it } from 'vitest'
import { startKnot } from '../../../../sandbox/knot/knotSimulator.ts'
import type { KnotOptions, KnotSimulator } from '../../../../sandbox/knot/knotSimulator.ts'
import { startVault } from '../../../../sandbox/vault/vaultServer.ts'
import type { Vault } from '../../../../sandbox/vault/vaultServer.ts'
import { CONFIRMED } from '../../../../src/domain/callBack.ts'
import { CardUpdater } from '../../../../src/knot/cardUpdater.ts'
import { KnotApi } from '../../../../src/knot/knotApi.ts'
import { CardVault } from '../../../../src/vault/cardVault.ts'
import { HOLDER, NUMBERS } from '../../knot/cards.ts'
import { cancel, command, provisionBed, results } from './fakePorts.ts'
import type { Bed } from './fakePorts.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

interface Sandbox extends Bed {
  readonly simulator: KnotSimulator
  readonly store: Vault
}

/** PROVISION with its real clients on the sandbox's Knot, which checks like the real one, and on the sandbox's vault. */
async function sandbox(form: 'jwe' | 'plain' = 'jwe', secret?: string, options: KnotOptions = {}): Promise<Sandbox> {
  const simulator = await startKnot({ webhookDelayMs: 10, ...options })
  const store = await startVault()
  const { street2, ...address } = HOLDER.address
  const user = { ...HOLDER, address: { ...address, street2: street2 ?? '' } }
  store.put({ cardRef: 'card-a', userId: 'ada', user, card: NUMBERS })
  simulator.link({ userId: 'ada', merchantId: 19 })
  const api = new KnotApi({
    url: simulator.url,
    secureUrl: simulator.secureUrl,
    clientId: simulator.clientId,
    secret: secret ?? simulator.secret,
    timeoutMs: 1_000,
    connections: 8,
  })
  const updater = new CardUpdater(api, form)
  const vault = new CardVault({ url: store.url, token: store.token, timeoutMs: 1_000 })
  cleanUps.push(
    () => simulator.stop(),
    () => store.stop(),
    () => Promise.all([updater.close(), vault.close()]),
  )
  const bed = await provisionBed({ knot: updater, vault })
  cleanUps.push(() => Promise.resolve(bed.role.stop()))
  return { ...bed, simulator, store }
}

async function until(bed: Bed, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !holds(); i++) {
    await bed.task.settle()
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  expect(holds()).toBe(true)
}

describe('against the sandbox Knot', () => {
  it.each(['jwe', 'plain'] as const)('the %s form lands with exactly the card of the vault', async form => {
    const bed = await sandbox(form)
    bed.task.read(command(1, { kind: 'DISCOVER', merchant_id: null }))
    bed.task.read(command(2))
    await until(bed, () => results(bed.task).length === 2)
    expect(results(bed.task).sort()).toEqual(['1:DISCOVERED', '2:ACCEPTED'])
    expect(bed.simulator.pushes()).toMatchObject([
      { userId: 'ada', merchantId: 19, form, landed: true, fingerprint: bed.simulator.fingerprint(NUMBERS) },
    ])
    expect(
      bed.task.durable.events.find(({ body }) => body.kind === 'result' && body.result === 'DISCOVERED')?.body,
    ).toMatchObject({
      vault_status: 'active',
      vault_version: '1',
      accounts: [{ merchant_id: 19, connected: true, update_card: true }],
    })
  })

  it.each([
    ['done', 'updated', true, 'enrolled'],
    ['failed', 'failed', true, 'failed'],
    ['no sign of it, where a push by this API is none of the user', 'updated', false, null],
  ] as const)('RECONCILE of a push whose webhook is lost shows: %s', async (_, outcome, isUserAction, status) => {
    const bed = await sandbox('jwe', undefined, { pushMovesLastUserAction: isUserAction })
    bed.simulator.script('ada', 19, { outcome, dropWebhook: true })
    bed.task.read(command(1))
    await until(bed, () => results(bed.task).length === 1)
    await bed.simulator.settled()
    bed.task.read(command(2, { kind: 'RECONCILE' }))
    await until(bed, () => results(bed.task).length === 2)
    expect(results(bed.task)).toEqual(['1:ACCEPTED', '2:RECONCILED'])
    const [pushed, seen] = bed.task.durable.events.map(({ body }) => (body.kind === 'result' ? body : null))
    const [account] = seen!.accounts
    expect(account).toMatchObject({ merchant_id: 19, last_action_status: status })
    if (status === null) expect(account!.last_action_at).toBeNull()
    else expect(account!.last_action_at).toBeGreaterThanOrEqual(pushed!.started_at!)
    expect(bed.simulator.webhooks()).toEqual([])
  })

  it('a rotated key costs one refusal and no attempt, and no JWE is used twice', async () => {
    const bed = await sandbox()
    bed.task.read(command(1))
    await until(bed, () => results(bed.task).length === 1)
    await bed.simulator.settled()
    await bed.simulator.rotateKey()
    bed.task.read(command(2))
    await until(bed, () => results(bed.task).length === 2)
    expect(results(bed.task)).toEqual(['1:ACCEPTED', '2:ACCEPTED'])
    expect(bed.simulator.pushes().map(({ errorCode, jweReused }) => [errorCode, jweReused])).toEqual([
      [null, false],
      ['INVALID_JWE', false],
      [null, false],
    ])
  })

  it.each([
    ['busy', (knot: KnotSimulator) => void knot.occupy('ada', 19), '1:BUSY'],
    ['disconnected', (knot: KnotSimulator) => knot.disconnect('ada', 19, { announce: false }), '1:REJECTED/relink'],
    ['unlinked', (knot: KnotSimulator) => knot.unlink('ada', 19), '1:REJECTED/not_linked'],
    [
      'an accepted push without an answer',
      (knot: KnotSimulator) => knot.script('ada', 19, { http: { kind: 'drop', when: 'before_answer' } }),
      '1:AMBIGUOUS/connection_lost',
    ],
    [
      'an accepted push with a late answer',
      (knot: KnotSimulator) => knot.script('ada', 19, { http: { kind: 'hold', holdMs: 1_500 } }),
      '1:AMBIGUOUS/timeout',
    ],
    [
      'a 500 that landed',
      (knot: KnotSimulator) => knot.script('ada', 19, { http: { kind: 'answer', status: 500, landed: true } }),
      '1:AMBIGUOUS/server_error',
    ],
  ])('%s', async (_, prepare, result) => {
    const bed = await sandbox()
    prepare(bed.simulator)
    bed.task.read(command(1))
    await until(bed, () => results(bed.task).length === 1)
    expect(results(bed.task)).toEqual([result])
    expect(bed.simulator.pushes()).toHaveLength(1)
  })

  describe('a 503 that landed all the same', () => {
    /** The first try has landed; the second one waits for `Retry-After`. */
    async function landed(options: KnotOptions = {}): Promise<Sandbox & { readonly sentAtMs: number }> {
      const bed = await sandbox('jwe', undefined, options)
      bed.simulator.script('ada', 19, { http: { kind: 'answer', status: 503, retryAfter: 7, landed: true } })
      const sentAtMs = bed.clock.ms
      bed.task.read(command(1))
      await until(bed, () => bed.task.durable.timers.size === 1)
      expect(results(bed.task)).toEqual([])
      return { ...bed, sentAtMs }
    }

    it('then busy: that is our own push, which is not told as refused, nor sent a third time', async () => {
      const bed = await landed({ webhookDelayMs: 60_000 })
      bed.clock.ms += 7_000
      await until(bed, () => results(bed.task).length === 1)
      expect(results(bed.task)).toEqual(['1:AMBIGUOUS/server_error'])
      expect(bed.task.durable.events[0]?.body).toMatchObject({ started_at: bed.sentAtMs })
      expect(bed.simulator.pushes().map(push => [push.landed, push.errorCode])).toEqual([
        [true, 'UNKNOWN'],
        [false, 'ONGOING_OPERATION'],
      ])
      bed.clock.ms += 60_000
      await bed.task.settle()
      expect(bed.simulator.pushes()).toHaveLength(2)
    })

    it('then confirmed before the next try: it is not pushed again', async () => {
      const bed = await landed()
      await bed.simulator.settled()
      const back = cancel(2, { merchant_id: 19, command_id: 'ada:1' })
      bed.task.read({ ...back, reason: CONFIRMED })
      await until(bed, () => results(bed.task).length === 2)
      expect(results(bed.task)).toEqual(['1:AMBIGUOUS/server_error', '2:CANCELLED'])
      bed.clock.ms += 60_000
      await bed.task.settle()
      expect(bed.simulator.pushes()).toHaveLength(1)
    })
  })

  it.each([
    ['a look', { kind: 'DISCOVER', merchant_id: null }, '1:DISCOVERED'],
    ['the key of a push', {}, '1:ACCEPTED'],
  ] as const)('an outage is waited out with Retry-After, within the attempt: %s', async (_, what, result) => {
    const bed = await sandbox()
    bed.simulator.setOutage({ status: 503, retryAfter: 7 })
    bed.task.read(command(1, what))
    await until(bed, () => bed.task.durable.timers.size === 1)
    expect([...bed.task.durable.timers.values()][0]?.dueAtMs).toBe(bed.clock.ms + 7_000)
    bed.simulator.setOutage(null)
    bed.clock.ms += 7_000
    await until(bed, () => results(bed.task).length === 1)
    expect(results(bed.task)).toEqual([result])
  })

  it('no access pauses until it is there', async () => {
    const bed = await sandbox()
    bed.simulator.denyAccess(true)
    bed.task.read(command(1))
    await until(bed, () => bed.role.status().paused?.reason === 'knot_forbidden')
    bed.simulator.denyAccess(false)
    await until(bed, () => results(bed.task).length === 1)
    expect(results(bed.task)).toEqual(['1:ACCEPTED'])
    expect(bed.role.status().paused).toBeNull()
  })

  it('a wrong secret pauses and pushes nothing', async () => {
    const bed = await sandbox('jwe', 'another secret')
    bed.task.read(command(1))
    await until(bed, () => bed.role.status().paused?.reason === 'knot_unauthorized')
    expect(results(bed.task)).toEqual([])
    expect(bed.simulator.pushes()).toEqual([])
  })

  it('a user with twenty commands for one account is never pushed twice at once', async () => {
    const bed = await sandbox()
    for (let i = 1; i <= 20; i++) bed.task.read(command(i, { card_version: i }))
    await until(bed, () => results(bed.task).length === 20)
    expect(bed.simulator.pushesInFlightMax('ada', 19)).toBe(1)
    expect(results(bed.task).map(text => text.split(':')[0])).toEqual(
      Array.from({ length: 20 }, (_, i) => String(i + 1)),
    )
  })
})
