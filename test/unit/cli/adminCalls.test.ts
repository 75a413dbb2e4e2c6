import { pino } from 'pino'
import { describe, expect, it, test } from 'vitest'
import { adminCallsOf } from '../../../src/cli/run/adminCalls.ts'
import type { AdminCallParts } from '../../../src/cli/run/adminCalls.ts'
import { userStateIn } from '../../../src/cli/run/userState.ts'
import type { KnownState } from '../../../src/cli/user/story.ts'
import { merchantKey } from '../../../src/domain/ids.ts'
import { newMerchant } from '../../../src/domain/merchantState.ts'
import { NEW_USER, newCard } from '../../../src/domain/userState.ts'
import { Pauses } from '../../../src/engine/pauses.ts'
import type { Read } from '../../../src/engine/role.ts'
import { partitionForKey } from '../../../src/kafka/partitioner.ts'
import { pseudonymOf } from '../../../src/processors/decide/pseudonym.ts'
import type { Owner } from '../../../src/server/adminCalls.ts'
import { LogLevelSwitch } from '../../../src/server/logLevelSwitch.ts'
import { LogLevels } from '../../../src/telemetry/logLevels.ts'

const PARTITIONS = 6
const ADA = partitionForKey(Buffer.from('ada'), PARTITIONS)
const OWNER: Owner = { instanceId: 'pod-1', memberId: 'm-1', clientId: 'onfile', host: '/10.0.0.7', adminUrl: null }

/** DECIDE answers `found` for any user; `asked` are the partitions. */
function callsWith(found: Read<KnownState> | null, more: Partial<AdminCallParts> = {}) {
  const log = pino({ level: 'silent' })
  const asked: number[] = []
  const pauses = new Pauses({ role: 'decide', inputs: ['events'], tasks: () => [], log })
  const lookUp = (partition: number) => {
    asked.push(partition)
    return found!
  }
  const calls = adminCallsOf({
    token: () => null,
    idPattern: null,
    log,
    logLevel: new LogLevelSwitch(new LogLevels('info'), log),
    roles: () => [{ role: 'decide', pauses, lookUp: found === null ? null : lookUp }],
    group: { partitionCount: () => Promise.resolve(PARTITIONS), owner: () => Promise.resolve(OWNER) },
    ...more,
  })
  return { calls, asked }
}

describe('the state of a user', () => {
  const user = { ...NEW_USER, cards: [newCard('card-a')] }

  test('comes from the task that has the partition of the user', async () => {
    const { calls, asked } = callsWith({ kind: 'read', value: { kind: 'known', user, merchants: [] } })
    expect(await calls.user(' ada ')).toEqual({ kind: 'known', partition: ADA, state: { user, merchants: [] } })
    expect(asked).toEqual([ADA])
  })

  test.each<[string, Read<KnownState> | null, object]>([
    ['unknown', { kind: 'read', value: { kind: 'unknown' } }, { kind: 'unknown', partition: ADA }],
    [
      'forgotten',
      { kind: 'read', value: { kind: 'forgotten', left: { decision_seq: 4, forgotten_at: 9 } } },
      { kind: 'forgotten', partition: ADA, state: { left: { decision_seq: 4, forgotten_at: 9 } } },
    ],
    [
      'not complete yet',
      { kind: 'not_ready', reason: 'restoring' },
      { kind: 'not_ready', partition: ADA, reason: 'restoring' },
    ],
    ['elsewhere', { kind: 'not_here' }, { kind: 'elsewhere', partition: ADA, owner: OWNER }],
    ['elsewhere, without DECIDE here', null, { kind: 'elsewhere', partition: ADA, owner: OWNER }],
  ])('that is %s is told so', async (_what, found, answer) => {
    expect(await callsWith(found).calls.user('ada')).toEqual(answer)
  })

  test.each([['  '], ['x'.repeat(256)], ['4242424242424242'], ['card 4242-4242-4242-4242']])(
    'of %j is not looked for: it is no id',
    async id => {
      const { calls, asked } = callsWith({ kind: 'not_here' })
      expect(await calls.user(id)).toMatchObject({ kind: 'unusable' })
      expect(asked).toEqual([])
    },
  )

  test('is nothing that is known before the roles run', async () => {
    expect(await callsWith({ kind: 'not_here' }, { roles: () => [] }).calls.user('ada')).toBeNull()
  })
})

describe('looking into the tables of DECIDE', () => {
  const tables = (entries: Partial<Record<'users' | 'merchants' | 'forgotten', Record<string, unknown>>>) => {
    const table = (of: Record<string, unknown> = {}) => ({ get: (key: string) => of[key] as never })
    const { users, merchants, forgotten } = entries
    return { users: table(users), merchants: table(merchants), forgotten: table(forgotten), totals: table() }
  }
  const user = { ...NEW_USER, merchants: [19, 12] }

  it('finds the user with the merchants, in order, and nobody else', () => {
    const found = userStateIn(
      tables({
        users: { ada: user },
        merchants: {
          [merchantKey('ada', 19)]: newMerchant(19, 'DoorDash'),
          [merchantKey('ada', 12)]: newMerchant(12, null),
          [merchantKey('bob', 12)]: newMerchant(12, 'of bob'),
        },
      }),
      'ada',
    )
    expect(found).toEqual({ kind: 'known', user, merchants: [newMerchant(12, null), newMerchant(19, 'DoorDash')] })
  })

  it('finds what is left of an erased user, and else nothing', () => {
    const left = { decision_seq: 4, forgotten_at: 9 }
    const erased = tables({ forgotten: { [pseudonymOf('ada')]: left } })
    expect(userStateIn(erased, 'ada')).toEqual({ kind: 'forgotten', left })
    expect(userStateIn(erased, 'bob')).toEqual({ kind: 'unknown' })
  })
})
