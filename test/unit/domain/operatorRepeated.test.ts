import { expect, it } from 'vitest'
import { issued, USER_SCOPE } from './orderScopes.ts'
import { T0, World } from './world.ts'

it.each(['SUPPRESS', 'LIFT', 'CANCEL', 'RETRY'] as const)(
  'a second %s with the same request id is the same order: it changes nothing',
  action => {
    const world = issued()
    if (action === 'LIFT') world.operator('SUPPRESS', USER_SCOPE)
    const first = world.operator(action, { ...USER_SCOPE, request_id: 'r-1' })
    const { cards, suppressions } = world.state
    world.news()
    const second = world.operator(action, { ...USER_SCOPE, request_id: 'r-1' })
    expect(world.news()).toEqual(['SKIPPED duplicate'])
    expect(world.lastOutcome).toMatchObject({ source: second, origin: second, final: true })
    expect(second).not.toEqual(first)
    expect(world.state).toMatchObject({ cards, suppressions })
  },
)

it('orders of other request ids, and events of that name, are their own', () => {
  const world = new World()
  world.operator('SUPPRESS', { request_id: 'r-1' })
  world.lifecycle('closed', { uid: 'r-1', at: T0 })
  world.operator('LIFT', { request_id: 'r-2' })
  expect(world.news().filter(text => text.includes('duplicate') || text.includes('conflict'))).toEqual([])
})

it('an order without a request id is never taken for another one', () => {
  const world = new World()
  world.operator('SUPPRESS', { request_id: '' })
  world.operator('SUPPRESS', { request_id: '' })
  expect(world.outcomes.map(({ status, reason }) => `${status} ${reason}`)).toEqual([
    'SUPPRESSED operator',
    'SUPPRESSED operator',
  ])
})

it.each(['SUPPRESS', 'LIFT', 'CANCEL', 'RETRY', 'FORGET'] as const)(
  'a second %s of one that was refused is told as refused: whoever asks again must not take it for done',
  action => {
    const world = new World()
    const scope = action === 'SUPPRESS' ? { until: T0 - 1 } : {}
    world.operator(action, { ...scope, request_id: 'r-1' })
    world.operator(action, { ...scope, request_id: 'r-1' })
    expect(world.news()).toEqual(['REJECTED operator', 'REJECTED duplicate'])
  },
)

it('an order that only a newer release knows is refused, and so explained', () => {
  const world = new World()
  const order = world.operator('UNKNOWN' as 'CANCEL')
  expect(world.news()).toEqual(['REJECTED operator'])
  expect(world.lastOutcome).toMatchObject({ source: order, origin: order, final: true })
})

it('a second LIFT of an erased user is the same order', () => {
  const world = issued()
  world.operator('FORGET', { ...USER_SCOPE, request_id: 'r-1' })
  world.operator('LIFT', { ...USER_SCOPE, request_id: 'r-2' })
  world.news()
  world.operator('LIFT', { ...USER_SCOPE, request_id: 'r-2' })
  expect(world.news()).toEqual(['SKIPPED duplicate'])
})

it.each([
  ['LIFT', { actor: '' }],
  ['RETRY', { reason: ' ' }],
  ['FORGET', { actor: '', reason: '' }],
] as const)(
  'a %s that was refused for lack of proof may come again, mended, under its request id',
  (action, lacking) => {
    const world = issued()
    world.accepted()
    world.knot('CARD_FAILED', { reason: 'card cvv' })
    world.operator('SUPPRESS', USER_SCOPE)
    if (action === 'RETRY') world.operator('LIFT', USER_SCOPE)
    world.news()
    world.operator(action, { ...USER_SCOPE, ...lacking, request_id: 'r-1' })
    expect(world.news()).toEqual(['REJECTED operator'])
    world.operator(action, { ...USER_SCOPE, request_id: 'r-1' })
    expect(world.news().filter(text => text.startsWith('REJECTED'))).toEqual([])
  },
)

it('a SUPPRESS without proof that would have shortened another may come again, mended', () => {
  const world = new World()
  world.operator('SUPPRESS', USER_SCOPE)
  const shorter = { ...USER_SCOPE, until: T0 + 3_600_000, request_id: 'r-1' }
  world.operator('SUPPRESS', { ...shorter, actor: '' })
  world.news()
  world.operator('SUPPRESS', shorter)
  expect(world.news()).toContain('SUPPRESSED operator')
})
