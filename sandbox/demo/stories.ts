import type { EventStep, Story, StoryStep } from './story.ts'

const TARGET = 12
const UBER = 10
const NETFLIX = 16
const DOORDASH = 19
const AMAZON = 44
const WALMART = 45
const COSTCO = 165

const event = (card: string, type: string, atS: number, says: string, more: Partial<EventStep> = {}): EventStep => ({
  kind: 'event',
  card,
  type,
  atS,
  says,
  ...more,
})
const renewal = (card: string, atS: number, more: Partial<EventStep> = {}): EventStep =>
  event(card, 'expired', atS, 'the card has a new expiry date', { vault: 'renewed', ...more })
const reissue = (card: string, atS: number, more: Partial<EventStep> = {}): EventStep =>
  event(card, 'updated', atS, 'the card has a new number', { vault: 'reissued', ...more })
const outcome = (statusAndReason: string): StoryStep => ({ kind: 'await', outcome: statusAndReason })
const settle: StoryStep = { kind: 'settle' }

/**
 * The sample stream: all eight lifecycle types and the Knot events that concern a user, each story one thing that
 * happens to card programs. They run at the same time, each user at their own pace.
 */
export const stories: readonly Story[] = [
  {
    person: 0,
    userId: 'u-1001',
    title: 'a new expiry date, on file at four merchants',
    cards: [{ ref: 'card-1001' }],
    merchants: [
      { id: NETFLIX, pushes: [{ updating: true, delayMs: 1500, duplicates: 1 }] },
      { id: UBER },
      { id: TARGET },
      { id: AMAZON },
    ],
    steps: [renewal('card-1001', -60)],
    expects: ['UPDATED/updated', 'SKIPPED/duplicate'],
  },
  {
    person: 11,
    userId: 'u-1002',
    title: 'a lost card, replaced (the event comes as Avro)',
    cards: [{ ref: 'card-1002' }],
    merchants: [{ id: DOORDASH }, { id: WALMART, pushes: [{ outcome: 'failed', reason: 'card in use' }] }],
    steps: [reissue('card-1002', -60, { encoding: 'avro', user: 'field' })],
    expects: ['UPDATED/updated', 'FAILED/card_in_use'],
  },
  {
    person: 22,
    userId: 'u-1003',
    title: 'four merchants that refuse, four reasons',
    cards: [{ ref: 'card-1003' }],
    merchants: [
      { id: NETFLIX, pushes: [{ outcome: 'failed', reason: 'credentials' }] },
      { id: AMAZON, pushes: [{ outcome: 'failed', reason: 'card cvv' }] },
      { id: COSTCO, pushes: [{ outcome: 'failed', reason: 'subscription' }] },
      { id: TARGET, pushes: [{ outcome: 'failed', reason: 'Asks for a signature' }] },
    ],
    steps: [renewal('card-1003', -60, { user: 'header' })],
    expects: ['NEEDS_USER_ACTION/credentials', 'FAILED/card_cvv', 'FAILED/subscription', 'FAILED/unknown_reason'],
  },
  {
    person: 33,
    userId: 'u-1004',
    title: 'the same event twice, another one late, a third under a used id',
    cards: [{ ref: 'card-1004' }],
    merchants: [{ id: UBER }],
    steps: [
      renewal('card-1004', -60, { uid: 'evt-1004' }),
      event('card-1004', 'expired', -60, 'the same event again', { uid: 'evt-1004' }),
      event('card-1004', 'updated', -600, 'an event from ten minutes before'),
      event('card-1004', 'updated', -50, 'another event with the id of the first', { uid: 'evt-1004' }),
    ],
    expects: ['UPDATED/updated', 'SKIPPED/duplicate', 'SKIPPED/stale', 'REJECTED/uid_conflict'],
  },
  {
    person: 44,
    userId: 'u-1005',
    title: 'closed, and opened again',
    cards: [{ ref: 'card-1005' }],
    merchants: [{ id: NETFLIX }],
    steps: [
      event('card-1005', 'closed', -60, 'the account is closed', { status: 'closed', vault: 'closed' }),
      settle,
      event('card-1005', 'updated', -50, 'news of a card that is still closed in the vault'),
      settle,
      event('card-1005', 'updated', -40, 'the account is open again', { vault: 'reopened' }),
    ],
    expects: ['SUPPRESSED/closed', 'SKIPPED/inactive_card', 'UPDATED/updated'],
  },
  {
    person: 55,
    userId: 'u-1006',
    title: 'an opt-out races an update',
    cards: [{ ref: 'card-1006' }],
    merchants: [{ id: AMAZON, pushes: [{ delayMs: 800 }] }],
    steps: [
      reissue('card-1006', -60),
      event('card-1006', 'opt_out', -59, 'the cardholder opts out'),
      settle,
      reissue('card-1006', -50, { says: 'a new number after the opt-out' }),
    ],
    expects: ['SUPPRESSED/opt_out'],
  },
  {
    person: 66,
    userId: 'u-1007',
    title: 'an opt-out that comes too late for one merchant',
    cards: [{ ref: 'card-1007' }],
    merchants: [{ id: WALMART, pushes: [{ delayMs: 2500 }] }],
    steps: [
      renewal('card-1007', -60),
      outcome('ACCEPTED/accepted'),
      event('card-1007', 'opt_out', -30, 'the cardholder opts out'),
    ],
    expects: ['SUPPRESSED/opt_out', 'ACCEPTED/accepted_before_opt_out', 'UPDATED/updated'],
  },
  {
    person: 77,
    userId: 'u-1008',
    title: 'the issuer must ask the cardholder first',
    cards: [{ ref: 'card-1008' }],
    merchants: [{ id: NETFLIX }],
    steps: [
      event('card-1008', 'contact_cardholder_advice', -60, 'contact the cardholder before the card is used'),
      settle,
      reissue('card-1008', -30),
    ],
    expects: ['HELD/contact_cardholder', 'UPDATED/updated'],
  },
  {
    person: 88,
    userId: 'u-1009',
    title: 'two cards, one merchant: the card on file stays until it is closed',
    cards: [{ ref: 'card-1009-a' }, { ref: 'card-1009-b' }],
    merchants: [{ id: UBER }],
    steps: [
      renewal('card-1009-a', -60),
      settle,
      renewal('card-1009-b', -50),
      settle,
      event('card-1009-a', 'closed', -40, 'the first card is closed', { status: 'closed', vault: 'closed' }),
      settle,
      reissue('card-1009-b', -30),
    ],
    expects: ['UPDATED/updated', 'SKIPPED/other_card_on_file', 'SUPPRESSED/closed'],
  },
  {
    person: 99,
    userId: 'u-1010',
    title: 'one merchant of three can be reached',
    cards: [{ ref: 'card-1010' }],
    merchants: [{ id: NETFLIX }, { id: UBER, connected: false }, { id: TARGET, updateCard: false }],
    steps: [renewal('card-1010', -60)],
    expects: ['UPDATED/updated', 'SKIPPED/not_connected', 'SKIPPED/no_scope'],
  },
  {
    person: 110,
    userId: 'u-1011',
    title: 'nothing on file anywhere',
    cards: [{ ref: 'card-1011' }],
    merchants: [],
    steps: [renewal('card-1011', -60)],
    expects: ['SKIPPED/not_linked'],
  },
  {
    person: 21,
    userId: 'u-1012',
    title: 'events that ask for nothing',
    cards: [{ ref: 'card-1012' }],
    merchants: [{ id: NETFLIX }],
    steps: [
      event('card-1012', 'enrolled', -60, 'the card takes part in account updates', { status: 'enrolled' }),
      event('card-1012', 'unknown', -55, 'the network does not know the card'),
      event('card-1012', 'no_participating', -50, 'the bank does not take part'),
      event('card-1012', 'art_changed', -45, 'a type that nobody has heard of'),
    ],
    expects: ['SKIPPED/enrolled', 'SKIPPED/unknown', 'SKIPPED/no_participating', 'SKIPPED/unknown_type'],
  },
  {
    person: 32,
    userId: 'u-1013',
    title: 'logged out, and linked again',
    cards: [{ ref: 'card-1013' }],
    merchants: [{ id: DOORDASH }],
    steps: [
      { kind: 'logout', merchantId: DOORDASH },
      outcome('NEEDS_USER_ACTION/relink'),
      renewal('card-1013', -60),
      outcome('SKIPPED/not_connected'),
      { kind: 'login', merchantId: DOORDASH },
    ],
    expects: ['NEEDS_USER_ACTION/relink', 'SKIPPED/not_connected', 'SKIPPED/relinked', 'UPDATED/updated'],
  },
  {
    person: 43,
    userId: 'u-1014',
    title: 'three new versions in a row: the newest wins',
    cards: [{ ref: 'card-1014' }],
    merchants: [{ id: COSTCO, pushes: [{ delayMs: 2000 }, {}] }],
    steps: [
      renewal('card-1014', -60),
      outcome('ACCEPTED/accepted'),
      reissue('card-1014', -40),
      reissue('card-1014', -20, { says: 'the card has yet another number' }),
    ],
    expects: ['UPDATED/updated', 'CANCELLED/superseded'],
  },
  {
    person: 54,
    userId: 'u-1015',
    title: 'Knot is overloaded, then not',
    cards: [{ ref: 'card-1015' }],
    merchants: [{ id: AMAZON, pushes: [{ http: { kind: 'answer', status: 503, retryAfter: 1 } }, {}] }],
    steps: [renewal('card-1015', -60)],
    expects: ['UPDATED/updated'],
  },
  {
    person: 65,
    userId: 'u-1016',
    title: "Knot's answer is lost on the way: nothing is sent twice",
    cards: [{ ref: 'card-1016' }],
    merchants: [{ id: NETFLIX, pushes: [{ http: { kind: 'drop', when: 'before_answer' }, delayMs: 600 }] }],
    steps: [renewal('card-1016', -60)],
    expects: ['ACCEPTED/ambiguous', 'UPDATED/updated'],
  },
  {
    person: 76,
    userId: 'u-1017',
    title: 'a new card that is not active yet',
    cards: [{ ref: 'card-1017', status: 'inactive' }],
    merchants: [{ id: TARGET }],
    steps: [
      event('card-1017', 'updated', -60, 'a new card is in the mail'),
      outcome('RETRY_SCHEDULED/inactive_card'),
      { kind: 'vault', card: 'card-1017', change: 'active' },
    ],
    expects: ['RETRY_SCHEDULED/inactive_card', 'UPDATED/updated'],
  },
  {
    person: 87,
    userId: 'u-1018',
    title: 'a card with a mistyped number in the vault',
    cards: [{ ref: 'card-1018', data: 'mistyped' }],
    merchants: [{ id: WALMART }],
    steps: [event('card-1018', 'updated', -60, 'the card has a new number')],
    expects: ['REJECTED/invalid_card_data'],
  },
  {
    person: 98,
    userId: 'u-1019',
    title: 'the cardholder does it without us',
    cards: [{ ref: 'card-1019' }],
    merchants: [{ id: UBER }],
    steps: [{ kind: 'ownSwitch', merchantId: UBER }],
    expects: ['EXTERNAL/updated'],
  },
  {
    person: 109,
    userId: 'u-1020',
    title: 'the merchant never says how it went',
    cards: [{ ref: 'card-1020' }],
    merchants: [{ id: COSTCO, pushes: [{ dropWebhook: true }] }],
    steps: [renewal('card-1020', -60)],
    expects: ['NO_RESULT/no_result'],
  },
  {
    person: 5,
    userId: 'u-1021',
    title: 'a merchant stumbles, and takes the card the second time',
    cards: [{ ref: 'card-1021' }],
    merchants: [
      { id: AMAZON, pushes: [{ outcome: 'failed', reason: 'could not retrieve payment method information' }, {}] },
    ],
    steps: [reissue('card-1021', -60)],
    expects: ['RETRY_SCHEDULED/could_not_retrieve_payment_method_information', 'UPDATED/updated'],
  },
  {
    person: 7,
    userId: 'u-1022',
    title: 'an operator stops one merchant, and lets it go again',
    cards: [{ ref: 'card-1022' }],
    merchants: [{ id: NETFLIX }, { id: UBER }],
    steps: [
      { kind: 'order', command: 'suppress', merchantId: UBER, reason: 'the cardholder called, ticket 4711' },
      renewal('card-1022', -60),
      settle,
      { kind: 'order', command: 'lift', merchantId: UBER, reason: 'ticket 4711 is closed' },
      reissue('card-1022', -30),
    ],
    expects: ['SUPPRESSED/operator', 'SKIPPED/operator', 'UPDATED/updated'],
  },
]
