import { beforeEach, expect, it } from 'vitest'
import { SuppressionIndex, eitherOf } from '../../../../src/processors/switcher/suppressionIndex.ts'
import { NO_PUSH_SWITCH } from '../../../../src/processors/provision/ports.ts'
import { recordView } from '../../../support/recordView.ts'

const reader = { readUpToMs: 0, problem: null as string | null }
let nowMs: number
let index: SuppressionIndex
beforeEach(() => {
  nowMs = 1_000_000
  Object.assign(reader, { readUpToMs: 0, problem: null })
  index = new SuppressionIndex({ reader, now: () => nowMs })
})

const put = (key: string) => index.apply(recordView({ key, value: 'a suppression' }))
const drop = (key: string) => index.apply(recordView({ key, value: null }))

it.each([
  ['a card', 'ada/card-1/*', true],
  ['a card at a merchant', 'ada/card-1/16', true],
  ['all cards at a merchant', 'ada/*/16', true],
  ['the whole user', 'ada/*/*', true],
  ['another card', 'ada/card-2/*', false],
  ['another merchant', 'ada/*/17', false],
  ['another user', 'bob/*/*', false],
])('a suppression of %s counts until its tombstone', (_, key, isSuppressed) => {
  put(key)
  expect(index.isSuppressed('ada', 'card-1', 16)).toBe(isSuppressed)
  drop(key)
  expect(index.isSuppressed('ada', 'card-1', 16)).toBe(false)
})

it('of several one is enough, and each has its own end', () => {
  put('ada/card-1/*')
  put('ada/*/*')
  drop('ada/*/*')
  expect(index.isSuppressed('ada', 'card-1', 16)).toBe(true)
})

it('keys are percent-encoded, so that no id looks like another one', () => {
  put('a%2Fb/*/*')
  expect([index.isSuppressed('a/b', 'c', 1), index.isSuppressed('a', 'b', 1)]).toEqual([true, false])
})

it('holds pushes until the topic is read whole, and when that is too long ago', () => {
  const seen: boolean[] = []
  const either = eitherOf(NO_PUSH_SWITCH, index)
  either.onChange(() => seen.push(either.held() !== null))
  reader.problem = 'no broker answers'
  expect(either.held()).toMatchObject({ reason: 'suppressions_unknown' })
  expect(either.held()?.detail).toContain('no broker answers')
  reader.readUpToMs = nowMs
  index.check()
  expect(either.held()).toBeNull()
  nowMs += 15_001
  index.check()
  expect(either.held()).not.toBeNull()
  expect(seen).toEqual([false, true])
})

it('forgets all when the topic is read anew', () => {
  put('ada/*/*')
  index.restart()
  expect(index.isSuppressed('ada', 'card-1', 16)).toBe(false)
})
