import { describe, expect, it } from 'vitest'
import { FAILURE_REASONS, RESUMED_BY } from '../../../src/domain/reasons.ts'
import type { ReasonRule } from '../../../src/domain/reasons.ts'
import { DAY, HOUR, MERCHANT, World } from './world.ts'

const UNLISTED: ReasonRule = {
  class: 'investigate',
  retries: 0,
  waitsMs: [],
  resumedBy: RESUMED_BY.investigate,
  why: 'a reason that Knot has not had before',
}
const RULES: [reason: string, rule: ReasonRule][] = [...FAILURE_REASONS, ['asks for a signature', UNLISTED]]
const MAX_ATTEMPTS = 3

/** The attempts of a version have failed, so many of them, each after its wait. */
function failed(reason: string, attempts: number, lastSeen = 'a'): World {
  const world = new World()
  world.lifecycle('updated')
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (attempt > 1) world.pass(world.lastOutcome.next_attempt_at! - world.now)
    world.discovered({ vault_version: lastSeen })
    world.accepted({ vault_version: 'a' })
    world.knot('CARD_FAILED', { reason })
  }
  return world
}

/** Whether a push follows, where every look is answered as if all were well. */
function goesAgain(world: World, signal: (world: World) => void, vaultVersion = 'a'): boolean {
  const known = new Set(world.commands)
  const fresh = (kind: string) => world.commands.find(command => command.kind === kind && !known.has(command))
  signal(world)
  for (let look = fresh('DISCOVER'); look !== undefined; look = fresh('DISCOVER')) {
    known.add(look)
    world.discovered({ vault_version: vaultVersion }, look)
  }
  return fresh('SWITCH') !== undefined
}

const wait = (world: World) => {
  const dueAtMs = world.lastOutcome.next_attempt_at
  world.pass(dueAtMs === null ? 30 * DAY : dueAtMs - world.now)
}

describe.each(RULES)('%s', (reason, { retries, resumedBy }) => {
  /** All retries are used up and the gap is over. */
  const atItsEnd = (): World => {
    const world = failed(reason, retries + 1)
    expect(world.lastOutcome.final).toBe(true)
    world.pass(HOUR)
    return world
  }

  it('goes again by its wait, or by none, as the page says', () => {
    expect(goesAgain(failed(reason, 1), wait)).toBe(resumedBy.includes('its wait'))
    expect(goesAgain(atItsEnd(), wait)).toBe(false)
  })

  it("goes again by the user's login, or not, as the page says", () => {
    const login = (world: World) => world.knot('AUTHENTICATED', { send_card: false })
    expect(goesAgain(atItsEnd(), login)).toBe(resumedBy.includes('AUTHENTICATED'))
  })

  it('goes again as the next version', () => {
    expect(resumedBy).toContain("the card's next version")
    expect(goesAgain(atItsEnd(), world => world.lifecycle('updated'), 'b')).toBe(true)
  })

  it('goes again by RETRY, while an attempt is left', () => {
    expect(resumedBy).toContain('RETRY')
    const order = (world: World) => world.operator('RETRY', { merchant_id: MERCHANT })
    expect(goesAgain(atItsEnd(), order)).toBe(retries + 1 < MAX_ATTEMPTS)
  })
})

it('what was sent wrong goes again where the vault has another version by then, once', () => {
  expect(RESUMED_BY.fix_data).toContain('another version in the vault')
  expect(goesAgain(failed('card cvv', 1, 'a'), wait)).toBe(false)
  expect(goesAgain(failed('card cvv', 1, 'b'), wait)).toBe(true)
  expect(goesAgain(failed('card cvv', 2, 'b'), wait)).toBe(false)
})

it('a session that was not authenticated does not go again by its wait where the account is disconnected', () => {
  const world = failed('session not authenticated', 1)
  wait(world)
  world.discovered({ accounts: [] })
  expect(world.lastOutcome).toMatchObject({ status: 'NEEDS_USER_ACTION', final: true })
  world.pass(HOUR)
  expect(goesAgain(world, () => world.knot('AUTHENTICATED', { send_card: false }))).toBe(true)
})
