import { expect, it } from 'vitest'
import { issued, USER_SCOPE } from './orderScopes.ts'
import { T0, World } from './world.ts'

it.each(['SUPPRESS', 'LIFT', 'CANCEL', 'RETRY'] as const)(
  'a second %s with the same request id is the same order: it changes nothing',
  action => {
    const world = issued()
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
