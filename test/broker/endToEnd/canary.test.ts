import { setTimeout as wait } from 'node:timers/promises'
import type { Message } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { rawTopic } from '../../../sandbox/demo/topicTail.ts'
import { renewedCard, testCard } from '../../../sandbox/people.ts'
import type { TestCard, TestPerson } from '../../../sandbox/people.ts'
import { TOPIC_KEYS } from '../../../src/config/topicNames.ts'
import type { OperatorCommand } from '../../../src/domain/records.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'
import {
  cardNeedles,
  filesOf,
  findLeaks,
  FORM_NEEDLES,
  personNeedles,
  textNeedles,
} from '../../support/onfile/leakSearch.ts'
import type { Haystack, Needle } from '../../support/onfile/leakSearch.ts'
import { startLeakyVault } from '../../support/onfile/leakyVault.ts'
import type { LeakyVault, WrongAnswer } from '../../support/onfile/leakyVault.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import { liveOrders } from './canaryOrders.ts'
import { liveTasks, refusalThatQuotes, TASK_USERS } from './canaryTasks.ts'

const canary: TestPerson = {
  name: { first_name: 'Zephyrine', last_name: 'Quastlewick' },
  address: { street: '7781 Wobblestone Crescent', city: 'Boston', region: 'MA', postal_code: '02108', country: 'US' },
  phone_number: '+16175550142',
}
/** What an issuer's record holds where no card number belongs. */
const stray: TestCard = { number: '5555555555554444', expiration: '11/2031', cvv: '917' }
/** What somebody writes into an order, past the command line: it is in `onfile-user-events`, and must go no further. */
const misdirected = testCard(7_900, 'mastercard')
const misdirectedForms = [misdirected.number, misdirected.number.replace(/(\d{4})(?=\d)/g, '$1 ')] as const
const strayForms = ['5555555555554444', '5555 5555 5555 4444', '5555-5555-5555-4444']
const ADMIN_TOKEN = 'canary-admin-token-of-forty-characters-xx'
const DIRECTORY_TOKEN = 'canary-directory-token-of-its-own-yy'
const wrongAnswers: readonly WrongAnswer[] = [
  'cut off',
  'error with the card in it',
  'card as a list',
  'card in the status',
  'card in the owner',
]

let run: OnfileRun
let leaky: LeakyVault
let cluster: Cluster
let evidence: Evidence
const cards: TestCard[] = [stray]
const pages: Haystack[] = []
const wrongCards = new Map<string, { answer: WrongAnswer; card: TestCard }>()

/** A new canary card for a new user at two merchants. */
function addCanary(userId: string, changes: Partial<TestCard> = {}, person: TestPerson = canary): string {
  const card = { ...testCard(7_000 + cards.length), ...changes }
  cards.push(card)
  const cardRef = `card-${userId}`
  run.vault.put({ cardRef, userId, user: person, card, cardName: 'Everyday', customerName: 'Main account' })
  for (const merchantId of [16, 44]) run.knot.link({ userId, merchantId })
  return cardRef
}

const update = (cardRef: string): Message => ({ key: cardRef, value: lifecycleEvent({ cardRef, type: 'updated' }) })

/** Waits until the process has written an outcome of each reason: however slow the machine is, each way was taken. */
async function decided(process: ProductProcess, ...reasons: readonly string[]): Promise<void> {
  const deadline = Date.now() + 30_000
  for (const reason of reasons) {
    while ((await process.metric('onfile_outcomes_total', `reason="${reason}"`)) === 0) {
      if (Date.now() > deadline) throw new Error(`No outcome with the reason ${reason}`)
      await wait(50)
    }
  }
}

async function look(process: ProductProcess, moment: string): Promise<void> {
  const texts = [
    await process.metrics(),
    JSON.stringify(await process.readyz()),
    JSON.stringify(await process.startupz()),
  ]
  pages.push({ place: `admin pages ${moment}`, bytes: Buffer.from(texts.join('\n')) })
}

/** Every way that a card takes through the product, good and bad. */
async function live(): Promise<void> {
  const first = run.start()
  await first.ready()
  const good = addCanary('canary-good')
  const failing = addCanary('canary-failing')
  run.knot.script('canary-failing', 16, { outcome: 'failed', reason: 'card cvv' })
  run.knot.script('canary-failing', 44, refusalThatQuotes(cards.at(-1)!, canary))
  const broken = addCanary('canary-500')
  run.knot.script('canary-500', 16, { http: { kind: 'answer', status: 500, landed: true } }, {})
  run.knot.script('canary-500', 44, { http: { kind: 'drop', when: 'after_body' } }, {})
  const invalid = [
    addCanary('canary-luhn', { number: '4242424242424243' }),
    addCanary('canary-cvv', { cvv: '90x7' }),
    addCanary('canary-expired', { expiration: '01/2019' }),
    addCanary('canary-abroad', {}, { ...canary, address: { ...canary.address, country: 'DE', region: 'BE' } }),
  ]
  const leaking = wrongAnswers.map((_answer, index) => `card-canary-leaky-${index}`)
  for (const index of wrongAnswers.keys()) run.knot.link({ userId: `canary-leaky-${index}`, merchantId: 16 })
  await run.sendLifecycle(...[good, failing, broken, ...invalid, ...leaking].map(update))
  await run.sendLifecycle(...strayRecords(good))
  run.knot.announce(strayWebhook())
  await decided(first, 'updated', 'card_cvv', 'invalid_field', 'invalid_card_data', 'unsupported_region')
  await look(first, 'under way')
  const switcher = await liveTasks(run, canary, userId => ({ cardRef: addCanary(userId), card: cards.at(-1)! }))
  await look(switcher, 'of SWITCHER')

  run.knot.setOutage({ status: 401 })
  run.vault.reissue(good, renewedCard(testCard(7_001)), canary)
  cards.push(renewedCard(testCard(7_001)))
  await run.sendLifecycle(update(good), update(failing))
  await wait(1_200)
  await look(first, 'while Knot refuses the credentials')
  // An aborted transaction and a crash with cards in memory.
  await first.kill('SIGKILL')
  const second = run.start()
  await second.ready()
  run.knot.setOutage(null)
  leaking.forEach(cardRef => wrongCards.delete(cardRef))
  evidence = await run.expectExact()
  for (const order of strayOrders()) await run.sendOrder('canary-good', order)
  const users = new Set(evidence.outcomes.map(({ value }) => value.user_id))
  pages.push(...(await liveOrders(run, second, users, ADMIN_TOKEN, strayForms)))
  evidence = await run.expectExact()
  await look(second, 'at the end')
  await look(switcher, 'of SWITCHER at the end')
  expect(await switcher.kill('SIGTERM')).toBe(0)
  expect(await second.kill('SIGTERM')).toBe(0)
}

/** Card numbers in every corner of an issuer's record, in valid events and in broken ones. */
function strayRecords(cardRef: string): Message[] {
  return strayForms.flatMap((form, index): Message[] => {
    const uid = `stray-${index}`
    return [
      { key: form, value: lifecycleEvent({ cardRef, type: 'enrolled', uid }), headers: { trace: form } },
      { key: 'broken', value: `{"card": "${form}"` },
      { key: form, value: 'no JSON' },
      { key: 'header', value: 'no JSON', headers: { 'x-card': form, [form]: 'x', 'x-kept': 'kept' } },
      { key: 'uid', value: lifecycleEvent({ cardRef, type: 'enrolled', uid: form }) },
      { key: 'owner', value: lifecycleEvent({ cardRef, type: 'enrolled', userId: form }) },
      { key: 'type', value: lifecycleEvent({ cardRef, type: `card ${form}` }) },
    ]
  })
}

function strayOrders(): Partial<OperatorCommand>[] {
  const [number, grouped] = misdirectedForms
  return [
    { request_id: 'stray-1', actor: `jo ${number}` },
    { request_id: number },
    { request_id: 'stray-3', card_ref: number },
    // Of a stop nobody carries the reason on.
    { request_id: 'stray-4', reason: `the holder of ${grouped} has called` },
  ]
}

function strayWebhook(): { event: string; external_user_id: string } & Record<string, unknown> {
  return {
    event: 'CARD_FAILED',
    session_id: 'session-of-the-stray-webhook',
    external_user_id: 'canary-good',
    merchant: { id: 16, name: 'Netflix' },
    data: { reason: `card ${stray.number} was refused` },
    timestamp: Date.now(),
  }
}

/** Raw bytes of the topics as the brokers keep them: aborted transactions, markers and headers included. */
async function topicBytes(keys: readonly (typeof TOPIC_KEYS)[number][]): Promise<Haystack[]> {
  const found = await Promise.all(keys.map(async key => ({ key, chunks: await rawTopic(cluster, run.topics[key]) })))
  return found.map(({ key, chunks }) => ({ place: `topic ${key}`, bytes: Buffer.concat(chunks) }))
}

/** Everything that must not be found where onfile writes. */
function needles(): Needle[] {
  return [...cardNeedles(misdirected), ...neverWritten()]
}

/** Everything that must not be found outside of the issuer's own topics. */
function neverWritten(): Needle[] {
  const { clientId, secret } = run.knot
  const sessions = run.knot.webhooks().flatMap(({ payload }) => payload.session_id ?? [])
  return [
    ...cards.flatMap(cardNeedles),
    ...personNeedles(canary),
    ...FORM_NEEDLES,
    ...textNeedles('Knot secret', secret),
    ...textNeedles('Knot credentials', `${clientId}:${secret}`),
    ...textNeedles('vault token', run.vault.token),
    ...textNeedles('directory token', DIRECTORY_TOKEN),
    ...textNeedles('admin token', ADMIN_TOKEN),
    ...sessions.flatMap(session => textNeedles('Knot session', session)),
  ]
}

beforeAll(async () => {
  run = await OnfileRun.create({ brokers: inject('brokers'), registryUrl: inject('registryUrl') })
  wrongAnswers.forEach((answer, index) => {
    const card = testCard(7_500 + index)
    cards.push(card)
    const cardRef = `card-canary-leaky-${index}`
    run.vault.put({ cardRef, userId: `canary-leaky-${index}`, user: canary, card })
    wrongCards.set(cardRef, { answer, card })
  })
  leaky = await startLeakyVault(run.vault.url, wrongCards, { vault: run.vault.token, directory: DIRECTORY_TOKEN })
  run.settings = {
    ONFILE_KAFKA_GROUP_INSTANCE_ID: 'pod-0',
    ONFILE_LOG_LEVEL: 'trace',
    ONFILE_ADMIN_TOKEN: ADMIN_TOKEN,
    ONFILE_VAULT_URL: leaky.url,
    ONFILE_DIRECTORY_TOKEN: DIRECTORY_TOKEN,
    ONFILE_POLICY_RESULT_HARD: '20s',
  }
  cluster = await Cluster.connect({ brokers: inject('brokers').split(','), clientId: 'canary' })
  await live()
}, 240_000)
afterAll(async () => {
  await cluster.close()
  await leaky.stop()
  await run.close()
})

describe(
  'canary cards through success, failures, invalid data, vault and Knot errors, a crash, dead letters, tasks and orders',
  { retry: 0 },
  () => {
    it('took every one of these ways', () => {
      const statuses = new Set(evidence.outcomes.map(({ value }) => `${value.status}/${value.reason}`))
      expect([...statuses]).toEqual(
        expect.arrayContaining([
          'UPDATED/updated',
          'FAILED/card_cvv',
          'REJECTED/invalid_field',
          'REJECTED/invalid_card_data',
          'SKIPPED/unsupported_region',
          'NO_RESULT/no_result',
          'SUPPRESSED/operator',
          'SUPPRESSED/forgotten',
          'SKIPPED/operator',
        ]),
      )
      const ofTasks = evidence.outcomes.filter(({ value }) => value.command_id?.startsWith('task:'))
      const ends = (userId: string) =>
        ofTasks.filter(({ value }) => value.user_id === userId).map(({ value }) => `${value.status}/${value.reason}`)
      const [accepted, rejected, cutOff] = TASK_USERS
      expect([accepted, rejected].map(ends)).toEqual([
        ['ACCEPTED/accepted', 'UPDATED/updated'],
        ['REJECTED/invalid_field'],
      ])
      // The webhook may be here before the word of the push whose answer was lost.
      expect(ends(cutOff).at(-1)).toBe('UPDATED/updated')
      const ofCutOff = evidence.userEvents.filter(({ user_id, body }) => user_id === cutOff && body.kind === 'result')
      expect(ofCutOff.map(({ body }) => body.kind === 'result' && body.result)).toContain('AMBIGUOUS')
      const actions = evidence.userEvents.flatMap(({ body }) => (body.kind === 'operator' ? [body.action] : []))
      const suppresses = Array.from({ length: strayOrders().length + 1 }, () => 'SUPPRESS')
      expect(actions.sort()).toEqual(['CANCEL', 'FORGET', 'LIFT', 'RETRY', ...suppresses])
      expect(run.knot.pushes('canary-500').length).toBeGreaterThan(0)
      expect(run.knot.pushes().some(({ jweReused }) => jweReused)).toBe(false)
    })

    it('dead-letters a record with a card number by reference, without the key or header that holds it', () => {
      const letters = evidence.deadLetters.map(({ reason, record }) => ({ reason, value: record.value }))
      // Per form: a broken value, a broken record with the number in its key, one in its headers, three good fields; a webhook;
      // orders, but the one with the number in its reason.
      expect(letters).toHaveLength(strayForms.length * 6 + 1 + strayOrders().length - 1)
      expect(new Set(letters.map(({ reason }) => reason))).toEqual(new Set(['invalid_json', 'contains_pan']))
      expect(letters.every(({ value }) => value === null)).toBe(true)
      const kept = evidence.deadLetters.filter(({ record }) => record.headers.some(({ key }) => key === 'x-kept'))
      expect(kept).toHaveLength(strayForms.length)
    })

    it('leave nothing in any topic that onfile writes', async () => {
      const own = TOPIC_KEYS.filter(key => key !== 'cardLifecycle' && key !== 'knotEvents' && key !== 'userEvents')
      const haystacks = await topicBytes(own)
      expect(haystacks.filter(({ bytes }) => bytes.length > 1_000).length).toBeGreaterThanOrEqual(5)
      expect(findLeaks(haystacks, needles())).toEqual([])
    })

    it('leave nothing in the stream that others write orders to, but what these others wrote', async () => {
      const haystacks = await topicBytes(['userEvents'])
      expect(findLeaks(haystacks, neverWritten())).toEqual([])
      expect(findLeaks(haystacks, cardNeedles(misdirected))).not.toEqual([])
    })

    it('leave nothing in the log at level trace, on the admin pages, and in the state directory', async () => {
      const logs = run.logs().map((bytes, index): Haystack => ({ place: `log of process ${index}`, bytes }))
      const files = await filesOf(run.stateDirectory)
      expect(logs.every(({ bytes }) => bytes.includes('"level":"debug"'))).toBe(true)
      const stores = files.filter(({ place, bytes }) => place.endsWith('.log') && bytes.length > 100)
      expect(stores.length).toBeGreaterThan(1)
      expect(findLeaks([...logs, ...pages, ...files], needles())).toEqual([])
    })
  },
)

describe('the search itself', { retry: 0 }, () => {
  it('finds the card numbers that the issuer wrote, in the raw bytes of its topics', async () => {
    const found = findLeaks(await topicBytes(['cardLifecycle', 'knotEvents']), cardNeedles(stray))
    expect(found.map(line => line.replace(/ at byte .*/, ''))).toEqual([
      'number of card ...4444, grouped in topic cardLifecycle',
      'number of card ...4444 in topic cardLifecycle',
      'number of card ...4444, grouped in topic knotEvents',
      'number of card ...4444 in topic knotEvents',
    ])
  })

  it('finds a leak that is planted in a topic of onfile', async () => {
    await run.producer.send({
      topic: run.topics.retry,
      messages: [{ key: 'x', value: Buffer.from(JSON.stringify({ phone: canary.phone_number })) }],
    })
    expect(findLeaks(await topicBytes(['retry']), needles())).toHaveLength(1)
  })

  const jwe = Buffer.from('{"alg":"RSA-OAEP-256","enc":"A256GCM"}').toString('base64url')
  const planted: readonly (readonly [string, string])[] = [
    ['a number', `x${stray.number}y`],
    ['a number in blanks', '5555 5555 5555 4444'],
    ['a number in dashes', '5555-5555-5555-4444'],
    ['a number in base64', Buffer.from(`ab${stray.number}cd`).toString('base64')],
    ['a number in base64, moved', Buffer.from(`abc${stray.number}d`).toString('base64')],
    ['a number in hexadecimal', Buffer.from(stray.number).toString('hex')],
    ['a CVV', '{\\"cvv\\":\\"917\\"}'],
    ['an expiry', '{"expiration":"11/2031"}'],
    ['a JWE', `{"jwe":"${jwe}.aa.bb.cc.dd"}`],
    ['credentials', 'authorization: Basic c2FuZGJveDpzYW5kYm94'],
    ['a token', 'Bearer sandbox_vault_token'],
    ['a name', 'for ZEPHYRINE'],
    ['a street', '7781 Wobblestone Crescent'],
    ['a phone number', 'tel:+16175550142'],
  ]
  it.each(planted)('finds %s', (_what, text) => {
    const bytes = Buffer.concat([Buffer.from([0, 0xff, 0x80]), Buffer.from(text), Buffer.from([0x81])])
    expect(findLeaks([{ place: 'somewhere', bytes }], needles()).length).toBeGreaterThan(0)
  })

  it('finds nothing in what may be written', () => {
    const bytes = Buffer.from(
      '{"authorization":"[redacted]","card":"[card number]","last4":"4444","offset":555555555555}',
    )
    expect(findLeaks([{ place: 'somewhere', bytes }], needles())).toEqual([])
  })
})
