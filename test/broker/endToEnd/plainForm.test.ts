import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { rawTopic } from '../../../sandbox/demo/topicTail.ts'
import { renewedCard, testCard } from '../../../sandbox/people.ts'
import type { TestPerson } from '../../../sandbox/people.ts'
import { TOPIC_KEYS } from '../../../src/config/topicNames.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import {
  cardNeedles,
  filesOf,
  findLeaks,
  FORM_NEEDLES,
  personNeedles,
  textNeedles,
} from '../../support/onfile/leakSearch.ts'
import type { Haystack } from '../../support/onfile/leakSearch.ts'
import { updatesOf } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'

const USERS = 20
const MERCHANTS = [16, 44]
/** Whose names stand nowhere else. */
const canary: TestPerson = {
  name: { first_name: 'Wilhelmetta', last_name: 'Brindlethorpe' },
  address: { street: '4417 Quibblestone Alley', city: 'Denver', region: 'CO', postal_code: '80202', country: 'US' },
  phone_number: '+13035550199',
}
/** Cards that are only ever seen in the clear: by the vault, by Knot's secure host, and in between in memory. */
const FIRST_CARD = 8_000

let run: OnfileRun
let cluster: Cluster
beforeEach(async () => {
  run = await OnfileRun.create({ brokers: inject('brokers'), registryUrl: inject('registryUrl') })
  run.settings = {
    ONFILE_KNOT_CARD_DATA: 'plain',
    ONFILE_KNOT_SECURE_URL: run.knot.secureUrl,
    ONFILE_LOG_LEVEL: 'trace',
  }
  cluster = await Cluster.connect({ brokers: inject('brokers').split(','), clientId: 'plain-form' })
})
afterEach(async () => {
  await cluster.close()
  await run.close()
})

const numberOf = (user: number) => FIRST_CARD + user
const update = (users: readonly number[]) => run.sendLifecycle(...updatesOf(...users.map(user => `user-${user}`)))

/** Everything that onfile wrote: topics as the brokers keep them, its log at level trace, files, admin pages. */
async function everythingWritten(pages: readonly string[]): Promise<Haystack[]> {
  const own = TOPIC_KEYS.filter(key => key !== 'cardLifecycle' && key !== 'knotEvents')
  const topics = await Promise.all(
    own.map(async key => ({ place: `topic ${key}`, bytes: Buffer.concat(await rawTopic(cluster, run.topics[key])) })),
  )
  return [
    ...topics,
    ...run.logs().map((bytes, index) => ({ place: `log of process ${index}`, bytes })),
    ...(await filesOf(run.stateDirectory)),
    { place: 'admin pages', bytes: Buffer.from(pages.join('\n')) },
  ]
}

it(
  'the plain form: every card once, on the secure host only, over faults and kill -9, and nowhere else',
  { retry: 0 },
  async () => {
    for (let user = 0; user < USERS; user++) {
      const userId = `user-${user}`
      const cardRef = run.addUser(userId, numberOf(user), MERCHANTS)
      run.vault.put({ cardRef, userId, user: canary, card: testCard(numberOf(user)) })
    }
    const body = (message: string) => ({
      error_type: 'INVALID_REQUEST',
      error_code: 'INVALID_FIELD',
      error_message: message,
    })
    const refusal = body(`The card.number ${testCard(numberOf(10)).number} is invalid.`)
    run.knot.script('user-10', 16, { http: { kind: 'answer', status: 400, body: refusal } })
    run.knot.script('user-11', 16, { http: { kind: 'drop', when: 'before_answer' } })
    run.knot.script('user-12', 16, { http: { kind: 'answer', status: 503, retryAfter: 1 } }, {})

    const first = run.start()
    await first.ready()
    await update(Array.from({ length: USERS / 2 }, (_, user) => user))
    const deadline = Date.now() + 30_000
    while (run.knot.pushes().length < USERS / 2 && Date.now() < deadline) await wait(20)
    await first.kill('SIGKILL')
    const second = run.start()
    await second.ready()
    run.vault.reissue('card-user-3', renewedCard(testCard(numberOf(3))))
    await update([3, ...Array.from({ length: USERS / 2 }, (_, index) => USERS / 2 + index)])
    const { outcomes } = await run.expectExact()
    const pages = [await second.metrics(), JSON.stringify(await second.readyz())]
    await second.kill('SIGTERM')

    // A scripted answer comes before the card is looked at: then the form is not known.
    const seen = run.knot.pushes().filter(({ form }) => form !== null)
    expect(new Set(seen.map(({ form }) => form))).toEqual(new Set(['plain']))
    for (let user = 13; user < USERS; user++) {
      const own = seen.filter(({ userId }) => userId === `user-${user}`)
      expect(own.map(({ merchantId }) => merchantId).sort()).toEqual(MERCHANTS)
      expect(own.every(({ fingerprint }) => fingerprint === run.knot.fingerprint(testCard(numberOf(user))))).toBe(true)
    }
    const reached = new Set(outcomes.map(({ value }) => `${value.status}/${value.reason}`))
    expect([...reached]).toEqual(expect.arrayContaining(['UPDATED/updated', 'REJECTED/invalid_field']))

    const cards = Array.from({ length: USERS }, (_, user) => testCard(numberOf(user)))
    const needles = [
      ...[...cards, renewedCard(testCard(numberOf(3)))].flatMap(cardNeedles),
      ...personNeedles(canary),
      ...FORM_NEEDLES,
      ...textNeedles('Knot secret', run.knot.secret),
      ...textNeedles('vault token', run.vault.token),
    ]
    const haystacks = await everythingWritten(pages)
    expect(haystacks.filter(({ bytes }) => bytes.length > 1_000).length).toBeGreaterThanOrEqual(8)
    expect(findLeaks(haystacks, needles)).toEqual([])
  },
)
