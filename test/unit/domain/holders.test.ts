import { describe, expect, it } from 'vitest'
import { decide } from '../../../src/domain/decide.ts'
import { account, HOUR, MERCHANT, MINUTE, SECOND, T0, USER, World } from './world.ts'

/** What is true before the card in question is reissued: the cards of the user, and who holds the merchant. */
interface Scene {
  readonly live?: readonly string[]
  readonly closed?: readonly string[]
  readonly optedOut?: readonly string[]
  /** A card whose push is open at the merchant. */
  readonly pending?: string
  readonly holder?: string | null
  readonly policy?: 'push' | 'skip'
}

const PUSHED = 'SWITCH a v1 @11'
const OTHER = 'SKIPPED other_card_on_file @11'
const UNKNOWN = 'SKIPPED holder_unknown @11'

/** Card `a` is reissued and its merchants are found. */
function reissue({ live = [], closed = [], optedOut = [], pending, holder = null, policy = 'push' }: Scene): string {
  const world = new World({ unknownHolder: pending === undefined ? policy : 'push' })
  if (pending !== undefined) {
    world.lifecycle('updated', { card: pending })
    world.discovered()
    expect(world.news().at(-1)).toBe(`SWITCH ${pending} v1 @11`)
  }
  for (const card of [...live, ...closed, ...optedOut]) world.lifecycle('enrolled', { card })
  for (const card of closed) world.lifecycle('closed', { card, at: T0 + SECOND })
  for (const card of optedOut) world.lifecycle('opt_out', { card, at: T0 + SECOND })
  if (holder !== null) {
    world.lifecycle('enrolled', { card: holder, at: T0 - HOUR })
    world.knot('CARD_UPDATED', { card_id: holder, timestamp: T0 - HOUR })
    world.setMerchant({ holder: { card_ref: holder, vault_version: null, since: T0 } })
  }
  if (holder === 'gone') world.setUser({ cards: world.state.cards.filter(card => card.card_ref !== holder) })
  world.lifecycle('updated', { card: 'a', at: T0 + HOUR })
  world.news()
  world.discovered({}, world.last('DISCOVER'))
  // Behind a push that is being called back the version waits, and nothing is told yet.
  return world.news().at(-1) ?? `queued ${world.at().queued?.card_ref}`
}

describe('which card may go to a merchant', () => {
  it.each<[string, Scene, string]>([
    ['the only card, holder unknown', {}, PUSHED],
    ['the only card, holder unknown, policy skip', { policy: 'skip' }, UNKNOWN],
    ['the only card, which is the holder', { holder: 'a' }, PUSHED],
    ['the only card, which is the holder, policy skip', { holder: 'a', policy: 'skip' }, PUSHED],
    ['another live card, holder unknown', { live: ['b'] }, UNKNOWN],
    ['another live card, this one is the holder', { live: ['b'], holder: 'a' }, PUSHED],
    ['another live card is the holder', { live: ['b'], holder: 'b' }, OTHER],
    ['another card is the holder and opted out: it is on file all the same', { optedOut: ['b'], holder: 'b' }, OTHER],
    ['another card that is closed, holder unknown', { closed: ['b'] }, PUSHED],
    ['a closed card is the holder', { closed: ['b'], holder: 'b' }, PUSHED],
    ['a closed card is the holder, policy skip: it is known', { closed: ['b'], holder: 'b', policy: 'skip' }, PUSHED],
    ['a closed card is the holder and two could follow', { closed: ['b'], live: ['c'], holder: 'b' }, UNKNOWN],
    ['a card that has given way to others in the state is the holder', { holder: 'gone' }, PUSHED],
    ['another card is pending', { pending: 'b' }, UNKNOWN],
    ['another card is pending and was closed', { pending: 'b', closed: ['b'] }, 'queued a'],
  ])('%s', (_, scene, expected) => {
    expect(reissue(scene)).toBe(expected)
  })
})

describe('two cards of one user at once', () => {
  const both = ['a', 'b']

  it('reissued in one batch, holder unknown: neither is pushed', () => {
    const world = new World()
    for (const card of both) world.lifecycle('updated', { card })
    const discovers = [...world.commands]
    world.news()
    for (const discover of discovers) world.discovered({}, discover)
    expect(world.news()).toEqual([UNKNOWN, UNKNOWN])
  })

  it('each goes to the merchant that holds it, and to no other', () => {
    const world = new World()
    for (const [index, card] of both.entries()) {
      world.lifecycle('enrolled', { card })
      world.knot('CARD_UPDATED', { card_id: card, merchant_id: index + 1 })
    }
    for (const card of both) world.lifecycle('updated', { card, at: T0 + 1 })
    const discovers = world.commands.filter(({ kind }) => kind === 'DISCOVER')
    world.news()
    const accounts = [1, 2].map(merchant_id => account({ merchant_id }))
    for (const discover of discovers) world.discovered({ accounts }, discover)
    expect(world.news()).toEqual([
      'SWITCH a v1 @1',
      'SKIPPED other_card_on_file @2',
      'SKIPPED other_card_on_file @1',
      'SWITCH b v1 @2',
    ])
  })

  it('closing one of them stops its own push and leaves the other', () => {
    const world = new World()
    for (const [index, card] of both.entries()) {
      world.lifecycle('enrolled', { card })
      world.knot('CARD_UPDATED', { card_id: card, merchant_id: index + 1 })
    }
    const accounts = [1, 2].map(merchant_id => account({ merchant_id }))
    for (const card of both) {
      world.lifecycle('updated', { card, at: T0 + 1 })
      world.discovered({ accounts })
    }
    world.news()
    world.lifecycle('closed', { card: 'a', at: T0 + 2 })
    expect(world.news().at(-1)).toBe('CANCEL a closed')
    world.cancelled([world.commands.find(({ kind, merchant_id }) => kind === 'SWITCH' && merchant_id === 1)!])
    expect(world.news()).toEqual(['CANCELLED closed @1'])
    expect(world.at(2).attempt).toMatchObject({ card_ref: 'b', phase: 'ISSUED', stop: null })
  })
})

describe('a card that moves to another user', () => {
  it('is pushed for the new one by what is known of the new one; what is known of the old one stays', () => {
    const world = new World()
    world.lifecycle('updated', { card: 'a' })
    world.discovered()
    world.lifecycle('opt_out', { card: 'a', at: T0 + 1 })
    world.news()
    const source = { topic: 'card-lifecycle', partition: 0, offset: 99, event_id: 'moved' }
    const body = {
      kind: 'lifecycle',
      event_uid: 'moved',
      card_ref: 'a',
      type: 'updated',
      status: null,
      updated_at: T0 + 2,
      own_stamp: true,
    } as const
    const event = { user_id: 'user-2', source, origin: source, occurred_at: T0 + 2, body }
    const decision = decide(world, event, world.now, world.policy)
    expect(decision.commands).toMatchObject([{ kind: 'DISCOVER', user_id: 'user-2', card_ref: 'a', card_version: 1 }])
    expect(decision.suppressions).toEqual([])
    expect(world.user(USER)?.suppressions).toHaveLength(1)
  })
})

describe('a user with forty merchants', () => {
  const accounts = Array.from({ length: 40 }, (_, index) => account({ merchant_id: index + 1 }))

  function spread(): World {
    const world = new World()
    world.lifecycle('updated')
    world.discovered({ accounts, vault_version: 'a' })
    world.news()
    return world
  }

  it('forty pushes leave at once, and each comes to its own end', () => {
    const world = spread()
    const switches = world.commands.filter(({ kind }) => kind === 'SWITCH')
    expect(new Set(switches.map(({ merchant_id }) => merchant_id)).size).toBe(40)
    for (const command of switches) world.result('ACCEPTED', { started_at: T0, vault_version: 'a' }, command)
    for (const { merchant_id } of switches) {
      const event = merchant_id! % 2 === 0 ? 'CARD_UPDATED' : 'CARD_FAILED'
      world.knot(event, { merchant_id, reason: 'otp' })
    }
    const ends = world.outcomes
      .filter(({ final }) => final)
      .map(({ merchant_id, status }) => `${merchant_id} ${status}`)
    expect(ends).toEqual(accounts.map((_, i) => `${i + 1} ${i % 2 === 0 ? 'NEEDS_USER_ACTION' : 'UPDATED'}`))
    expect(world.timers.size).toBe(0)
  })

  it('one closed stops all of them with one CANCEL', () => {
    const world = spread()
    const switches = world.commands.filter(({ kind }) => kind === 'SWITCH')
    world.lifecycle('closed', { at: T0 + 1 })
    expect(world.news().filter(text => text.startsWith('CANCEL '))).toEqual(['CANCEL card-1 closed'])
    world.cancelled(switches)
    expect(world.news()).toEqual(accounts.map(({ merchant_id }) => `CANCELLED closed @${merchant_id}`))
    expect(world.timers.size).toBe(0)
  })

  it('a newer version takes the place of each that has not left', () => {
    const world = spread()
    const switches = world.commands.filter(({ kind }) => kind === 'SWITCH')
    world.result('ACCEPTED', { started_at: T0 }, switches[0])
    world.lifecycle('updated', { at: T0 + 1 })
    world.discovered({ accounts, vault_version: 'b' })
    const cancels = world.commands.filter(({ kind }) => kind === 'CANCEL')
    expect(cancels).toHaveLength(39)
    for (const cancel of cancels) {
      const removed = switches.filter(({ command_id }) => command_id === cancel.cancels?.command_id)
      world.result('CANCELLED', { removed }, cancel)
    }
    const second = world.commands.filter(({ kind, card_version }) => kind === 'SWITCH' && card_version === 2)
    expect(second).toHaveLength(39)
    expect(world.at(1).queued).toMatchObject({ card_version: 2 })
  })
})

describe('a merchant that Knot lists twice', () => {
  const off = account({ connected: false })

  it.each([
    ['both well', [account(), account()], 'SWITCH card-1 v1 @11'],
    ['the first not connected', [off, account()], 'SWITCH card-1 v1 @11'],
    ['the second not connected', [account(), off], 'SWITCH card-1 v1 @11'],
    ['neither connected', [off, off], 'SKIPPED not_connected @11'],
  ])('%s: one push or one outcome', (_, accounts, expected) => {
    const world = new World()
    world.lifecycle('updated')
    world.news()
    world.discovered({ accounts: [...accounts, account({ merchant_id: 5, connected: false })] })
    expect(world.news()).toEqual([expected, 'SKIPPED not_connected @5'])
  })

  it('a look at it alone takes the account that takes a card', () => {
    const world = new World()
    world.lifecycle('updated')
    world.discovered({ accounts: [off] })
    world.knot('AUTHENTICATED')
    world.news()
    world.discovered({ accounts: [off, account()] })
    expect(world.news()).toEqual(['SWITCH card-1 v1 @11'])
    expect(world.at(MERCHANT).attempt?.phase).toBe('ISSUED')
  })
})

describe('a card that waits gives way to the one that the user has put on file', () => {
  /** Version 2 of card `a`, the holder, waits for its merchant in each of the ways; card `b` lives too. */
  const waiting: Readonly<Record<string, (world: World) => void>> = {
    min_gap: world => {
      world.lifecycle('updated', { card: 'a' })
      world.discovered()
      world.accepted()
      world.knot('CARD_UPDATED')
      reissued(world)
    },
    busy: world => {
      reissued(world)
      world.result('BUSY')
    },
    retry: world => {
      reissued(world)
      world.accepted()
      world.knot('CARD_FAILED', { reason: 'other' })
    },
    queued: world => {
      world.lifecycle('updated', { card: 'a' })
      world.discovered()
      world.accepted()
      reissued(world)
    },
  }

  function reissued(world: World): void {
    world.pass(1)
    world.lifecycle('updated', { card: 'a' })
    world.discovered()
  }

  function holding(): World {
    const world = new World()
    for (const card of ['a', 'b']) world.lifecycle('enrolled', { card })
    world.knot('CARD_UPDATED', { card_id: 'a' })
    world.pass(MINUTE)
    return world
  }

  /** What waits has its time, until a push of it is out or it has ended; the account takes a card all the while. */
  function goOn(world: World): string[] {
    for (let i = 0; i < 12; i++) {
      world.pass(10 * MINUTE)
      const { attempt } = world.at()
      if (attempt?.phase === 'DISCOVERING') world.discovered()
    }
    return world.news()
  }

  it.each(Object.entries(waiting))('%s', (_, wait) => {
    const world = holding()
    wait(world)
    const startedAt = world.at().attempt?.started_at ?? null
    world.pass(5 * SECOND)
    world.news()
    // Of a push that is open it would be the result: there the webhook is older than its start, and was late.
    world.knot('CARD_UPDATED', { card_id: 'b', timestamp: startedAt === null ? world.now : startedAt - 3 * SECOND })
    expect(world.news()).toEqual(['EXTERNAL updated @11'])
    if (startedAt !== null) world.knot('CARD_FAILED', { reason: 'account' })
    expect(goOn(world).at(-1)).toBe('SKIPPED other_card_on_file @11')
    expect(world.at()).toMatchObject({ attempt: null, queued: null, holder: { card_ref: 'b' } })
  })

  it.each(Object.entries(waiting))('%s: where nobody has chosen another one it goes on', (_, wait) => {
    const world = holding()
    wait(world)
    world.pass(5 * SECOND)
    if (world.at().queued !== null) world.knot('CARD_FAILED', { reason: 'account' })
    world.news()
    expect(goOn(world).at(-1)).toBe(`SWITCH a v${world.state.cards[0]!.version} @11`)
  })
})
