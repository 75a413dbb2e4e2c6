import { randomInt } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Message } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { seededChance } from '../../../sandbox/knot/chance.ts'
import { testCard } from '../../../sandbox/people.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'

const USERS = 60
const KILLS = 10
const MERCHANTS = [10, 12, 16, 19, 36, 44, 45, 165]

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    settings: { ONFILE_KAFKA_GROUP_INSTANCE_ID: 'pod-0' },
  })
})
afterEach(async () => {
  await run.close()
})

interface Cardholder {
  readonly userId: string
  readonly cardRef: string
  readonly merchants: readonly number[]
}

/** Two or three merchants each: most succeed, some fail, some answer late, twice or never. */
function settle(): Cardholder[] {
  return Array.from({ length: USERS }, (_, index) => {
    const userId = `user-${index}`
    const merchants = MERCHANTS.slice(index % 6, (index % 6) + 2 + (index % 2))
    const cardRef = run.addUser(userId, index, merchants)
    const [first = 0, second = 0] = merchants
    if (index % 5 === 1) run.knot.script(userId, first, { outcome: 'failed', reason: 'card cvv' })
    if (index % 5 === 2) run.knot.script(userId, first, { duplicates: 2, updating: true })
    if (index % 5 === 3) run.knot.script(userId, second, { http: { kind: 'hold', holdMs: 300 } })
    if (index % 10 === 4) run.knot.script(userId, second, { dropWebhook: true })
    return { userId, cardRef, merchants }
  })
}

/** One wave of events: updates with a duplicate, a stale one, unrelated ones; closings and opt-outs in the later waves. */
function wave(users: readonly Cardholder[], number: number): Message[] {
  return users.flatMap(({ userId, cardRef }, index): Message[] => {
    const at = Date.now()
    const message = (type: string, uid: string, updatedAtMs: number): Message => ({
      key: cardRef,
      value: lifecycleEvent({ cardRef, type, uid, updatedAtMs, ...(index % 2 === 0 ? { userId } : {}) }),
    })
    const uid = `${userId}-${number}`
    switch ((index + number) % 7) {
      case 0:
        run.vault.reissue(cardRef, testCard(index + 1_000 * number))
        return [message('updated', uid, at), message('updated', uid, at)]
      case 1:
        return [message('expired', uid, at), message('updated', `${uid}-stale`, at - 3_600_000)]
      case 2:
        return number > 5 && index % 4 === 0 ? [message('opt_out', uid, at)] : [message('enrolled', uid, at)]
      case 3:
        return number > 7 && index % 5 === 0 ? [message('closed', uid, at)] : []
      case 4:
        return [message('updated', uid, at)]
      case 5:
        return index % 3 === 0 ? [message('contact_cardholder_advice', uid, at)] : []
      default:
        return []
    }
  })
}

describe('kill -9 of the whole product at random moments, ten times, with input flowing', { retry: 0 }, () => {
  it('loses no input, publishes each decision once and in order, and never pushes twice for one command', async () => {
    const users = settle()
    const seed = randomInt(1_000_000)
    const chance = seededChance(seed)
    const delaysMs = Array.from({ length: KILLS }, () => Math.floor(chance() * 2_500))
    const moments = `seed ${seed}: killed after ${delaysMs.join(', ')} ms`
    process.stderr.write(`${moments}\n`)
    const flowing = new AbortController()
    let waves = 0
    const writing = (async () => {
      while (!flowing.signal.aborted) {
        const messages = wave(users, waves++)
        if (messages.length > 0) await run.sendLifecycle(...messages)
        await wait(1_200)
      }
    })()
    for (const delayMs of delaysMs) {
      const victim = run.start()
      // Some die while they take over, most while they work.
      if (delayMs > 400) await victim.ready()
      await wait(delayMs)
      expect(await victim.kill('SIGKILL')).toBe('SIGKILL')
    }
    const last = run.start()
    await last.ready()
    flowing.abort()
    await writing

    const evidence = await run.expectExact()
    const statuses = Map.groupBy(evidence.outcomes, ({ value }) => value.status)
    expect(evidence.inputs.length, moments).toBeGreaterThan(600)
    expect([...statuses.keys()]).toEqual(
      expect.arrayContaining(['ACCEPTED', 'UPDATED', 'FAILED', 'SKIPPED', 'SUPPRESSED', 'HELD', 'NO_RESULT']),
    )
    expect(evidence.deadLetters).toEqual([])
    for (const { userId, merchants } of users) {
      for (const merchantId of merchants) expect(run.knot.pushesInFlightMax(userId, merchantId)).toBeLessThanOrEqual(1)
    }
    expect(await last.kill('SIGTERM')).toBe(0)
  })
})
