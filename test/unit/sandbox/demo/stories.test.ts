import { expect, test } from 'vitest'
import { ISSUER_SCHEMA, lifecycleRecord } from '../../../../sandbox/demo/lifecycleRecord.ts'
import { stories } from '../../../../sandbox/demo/stories.ts'
import type { EventStep } from '../../../../sandbox/demo/story.ts'
import { STRAY_CARD_NUMBER, strayRecords } from '../../../../sandbox/demo/strayRecords.ts'
import { CardBook } from '../../../../sandbox/demo/cast.ts'
import { passesLuhn } from '../../../../sandbox/knot/cardRules.ts'
import { testPerson } from '../../../../sandbox/people.ts'
import { startVault } from '../../../../sandbox/vault/vaultServer.ts'

const events = stories.flatMap(({ steps }) => steps.filter((step): step is EventStep => step.kind === 'event'))

test('the stream has all eight types of the account updater, and one that nobody knows', () => {
  const eight = ['updated', 'expired', 'closed', 'no_participating', 'contact_cardholder_advice', 'unknown', 'opt_out']
  const types = new Set(events.map(({ type }) => type))
  for (const type of [...eight, 'enrolled', 'art_changed']) expect(types).toContain(type)
})

test('each story has a user, a name and cards of its own', () => {
  const names = stories.map(({ person }) => Object.values(testPerson(person).name).join(' '))
  expect(new Set(names).size).toBe(stories.length)
  expect(new Set(stories.map(({ userId }) => userId)).size).toBe(stories.length)
  const cards = stories.flatMap(story => story.cards.map(({ ref }) => ref))
  expect(new Set(cards).size).toBe(cards.length)
  for (const { steps, cards: own } of stories) {
    for (const step of steps) if (step.kind === 'event') expect(own.map(({ ref }) => ref)).toContain(step.card)
  }
})

test('an event of the stream has the shape of the account updater, as JSON and as Avro', () => {
  const step = events[0]!
  const startedAtMs = Date.UTC(2030, 0, 1)
  const json = lifecycleRecord({ ...step, encoding: 'json', user: 'field' }, 'u-1', startedAtMs, 7)
  expect(JSON.parse(json.value.toString())).toMatchObject({
    event: 'CARD_AUTOMATICALLY_UPDATED',
    user_id: 'u-1',
    data: { id: step.card, type: step.type, updated_at: '2029-12-31T23:59:00.000Z' },
  })
  const avro = lifecycleRecord({ ...step, encoding: 'avro', user: 'header' }, 'u-1', startedAtMs, 7)
  expect([...avro.value.subarray(0, 5)]).toEqual([0, 0, 0, 0, 7])
  expect(avro.headers).toEqual({ 'onfile-user-id': 'u-1' })
  expect(ISSUER_SCHEMA.fields.map(({ name }) => name)).toContain('data')
})

test('one stray record holds a card number, in a place that travels', () => {
  const strays = strayRecords(0).filter(({ value }) => value?.includes(STRAY_CARD_NUMBER))
  expect(strays.map(({ ends }) => ends)).toEqual([{ deadLetter: 'contains_pan' }])
})

test('the book knows every card that was ever in the vault, and a mistyped one fails Luhn', async () => {
  const vault = await startVault()
  try {
    const book = new CardBook(vault)
    for (const story of stories) book.put(story)
    const before = book.current('card-1001')
    book.change('card-1001', 'renewed')
    book.change('card-1001', 'reissued')
    expect(book.all().filter(({ number }) => number === before.number)).toHaveLength(2)
    expect(book.current('card-1001').number).not.toBe(before.number)
    expect(book.all().map(({ number }) => number)).not.toContain(STRAY_CARD_NUMBER)
    const unsound = book.all().filter(({ number }) => !passesLuhn(number))
    expect(unsound).toEqual([book.current('card-1018')])
    const headers = { authorization: `Bearer ${vault.token}` }
    const answer = await fetch(`${vault.url}/cards/card-1001`, { headers })
    expect(await answer.json()).toMatchObject({ version: '3', card: { number: book.current('card-1001').number } })
  } finally {
    await vault.stop()
  }
})
