import { randomInt } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { seededChance } from '../../../../sandbox/knot/chance.ts'
import { startKnot } from '../../../../sandbox/knot/knotSimulator.ts'
import type { KnotPort } from '../../../../src/processors/provision/ports.ts'
import { CardUpdater } from '../../../../src/knot/cardUpdater.ts'
import { KnotApi } from '../../../../src/knot/knotApi.ts'
import { cancel, command, limits, provisionBed } from './fakePorts.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const USERS = 300
/** Fewer than may push at once: most requests wait for one between their start and the wire. */
const CONNECTIONS = 3

it('once PROVISION has read a CANCEL no push that it covers leaves: by the log of the Knot that would have got it', async () => {
  const simulator = await startKnot({ webhookDelayMs: 1 })
  const { url, clientId, secret } = simulator
  const api = new KnotApi({ url, secureUrl: null, clientId, secret, timeoutMs: 5_000, connections: CONNECTIONS })
  const updater = new CardUpdater(api, 'jwe')
  cleanUps.push(
    () => simulator.stop(),
    () => updater.close(),
  )
  /** What has happened, in order: `wire <user>` as undici's request-start hook let it pass, `cancel <user>` as it was read. */
  const events: string[] = []
  const watched: KnotPort = {
    accounts: userId => updater.accounts(userId),
    key: refused => updater.key(refused),
    credentialsAccepted: () => updater.credentialsAccepted(),
    seal: (card, key) => updater.seal(card, key),
    push: (target, card, lastCheck) =>
      updater.push(target, card, () => {
        const passed = lastCheck()
        events.push(`${passed ? 'wire' : 'veto'} ${target.userId}`)
        return passed
      }),
  }
  const { task, role } = await provisionBed({ knot: watched, limits: limits({ concurrency: 64 }) })
  cleanUps.push(() => Promise.resolve(role.stop()))
  const users = Array.from({ length: USERS }, (_, index) => `user-${index}`)
  for (const userId of users) simulator.link({ userId, merchantId: 19 })

  // All commands come at once; opt-outs of three quarters of the users come in between, at every stage of their pushes.
  const seed = randomInt(1_000_000)
  const chance = seededChance(seed)
  const optingOut = shuffled(
    users.filter((_, index) => index % 4 !== 0),
    chance,
  )
  for (const userId of users) task.read(command(1, { user_id: userId }))
  while (task.ledger().length > 0) {
    const userId = optingOut.pop()
    if (userId !== undefined) {
      const before = task.ledger().find(entry => entry.user_id === userId)
      task.read(cancel(2, {}, userId))
      events.push(`cancel ${userId}`)
      if (before?.state === 'WAITING') events.push(`removed ${userId}`)
    }
    task.commit()
    await new Promise(resolve => setTimeout(resolve, chance() < 0.5 ? 0 : 1))
    task.deliver()
  }
  await simulator.settled()

  const pushed = new Set(simulator.pushes().map(({ userId }) => userId))
  for (const userId of users) {
    const own = events.filter(event => event.endsWith(` ${userId}`))
    const wire = own.indexOf(`wire ${userId}`)
    const read = own.indexOf(`cancel ${userId}`)
    const story = `seed ${seed}: ${own.join(', ')}`
    expect(pushed.has(userId), story).toBe(wire >= 0)
    if (read >= 0) expect(wire, `${userId} left after its CANCEL was read, ${story}`).toBeLessThan(read)
  }
  expect(simulator.pushes(), `seed ${seed}`).toHaveLength(pushed.size)
  // It was a race: some had left, some were stopped at the wire, some before they were started.
  const count = (kind: string) => events.filter(event => event.startsWith(kind)).length
  expect(count('wire'), `seed ${seed}`).toBeGreaterThan(USERS / 4)
  expect(count('veto'), `seed ${seed}`).toBeGreaterThan(5)
  expect(count('removed'), `seed ${seed}`).toBeGreaterThan(5)
})

/** Fisher and Yates. */
function shuffled<T>(values: readonly T[], chance: () => number): T[] {
  const left = [...values]
  return values.map(() => left.splice(Math.floor(chance() * left.length), 1)[0]!)
}
