import { describe, expect, it, test } from 'vitest'
import type { UserStory } from '../../../src/cli/user/story.ts'
import { newCard } from '../../../src/domain/userState.ts'
import { testCard } from '../../../sandbox/people.ts'
import { onfile } from './commandLine.ts'
import type { Ended } from './commandLine.ts'
import { attempt, netflix, SOURCE, StoryOf, T0 } from './userStories.ts'

const ENVIRONMENT = { ONFILE_KAFKA_BROKERS: 'broker:9092', ONFILE_REGISTRY_URL: 'http://registry:8081' }
const HOUR = 3_600_000

function user(story: UserStory, ...flags: string[]): Promise<Ended> {
  return onfile(['user', 'u-1', ...flags], ENVIRONMENT, { readStory: () => Promise.resolve(story) })
}

/** The lines below one of the page's headings. */
async function part(heading: string, { story }: StoryOf, ...flags: string[]): Promise<string[]> {
  const { out } = await user(story, ...flags)
  const lines = out.split('\n')
  const from = lines.indexOf(heading) + 1
  const end = lines.indexOf('', from)
  return lines.slice(from, end < 0 ? undefined : end).map(line => line.trim().replaceAll(/ {2,}/g, ' | '))
}

describe('onfile user', () => {
  it('tells where a record stands that cannot be read, and everything else', async () => {
    const story = new StoryOf().garbage('onfile-user-events').outcome('SKIPPED', 'stale')
    const rows = await part('WHAT HAPPENED', story)
    expect(rows.join(' ')).toContain('unreadable | a record that no schema reads, onfile-user-events at offset')
    expect(rows.at(-1)).toContain('SKIPPED')
  })

  it('tells how things stand, what happened and what comes next', async () => {
    const story = new StoryOf()
      .lifecycle('expired', { updated_at: T0 - 2 * HOUR })
      .outcome('ACCEPTED', 'accepted', { final: false })
      .webhook('CARD_FAILED', 'insufficient funds')
      .outcome('RETRY_SCHEDULED', 'insufficient_funds', { final: false, next_attempt_at: T0 + 24 * HOUR })
      .order({ merchant_id: 16, until: T0 + 2 * HOUR })
      .outcome('SUPPRESSED', 'operator', { card_ref: null, attempt: 0 })
      .known(
        {
          suppressions: [
            { card_ref: null, merchant_id: 16, reason: 'operator', since: T0, until: T0 + 2 * HOUR, actor: 'jo' },
          ],
        },
        netflix({
          attempt: attempt({
            phase: 'SCHEDULED',
            number: 2,
            next_at: T0 + 24 * HOUR,
            retry_after: 'insufficient_funds',
          }),
        }),
      ).story
    const { code, out, err } = await user(story)
    expect(out.split('\n')).toEqual([
      'User u-1 (partition 2), since 2026-11-27 04:00:00 UTC, read at 2026-11-28 05:00:00 UTC',
      '',
      'NOW',
      '  card-1     no new version yet, may be pushed',
      '  Netflix    which card is on file there is not known, attempt 2 is open',
      '  Netflix    no push of any card: operator jo since 2026-11-28 04:00:00 UTC (ticket 7)',
      '',
      'WHAT HAPPENED',
      '  2026-11-28 (UTC)',
      '  04:00:00  card-1     card event         expired: the card has a new expiry date (dated 02:00:00)',
      '  04:00:01  Netflix    ACCEPTED           Knot took the card, the result comes later',
      '  04:00:02  Netflix    webhook            CARD_FAILED: the merchant did not take the card ("insufficient',
      '                                          funds")',
      '  04:00:03  Netflix    RETRY_SCHEDULED    "insufficient funds", worth another try later (attempt 1); next at',
      '                                          2026-11-29 04:00:00 UTC',
      '  04:00:04  Netflix    operator           SUPPRESS by jo: ticket 7, until 2026-11-28 06:00:00 UTC',
      "  04:00:05  Netflix    SUPPRESSED         an operator's order: nothing is pushed",
      '',
      'WHAT COMES NEXT',
      '  Netflix    2026-11-28 06:00:00 UTC (in 60 min): no longer suppressed (operator)',
      '  Netflix    2026-11-29 04:00:00 UTC (in 23 h): attempt 2, after "insufficient funds"',
    ])
    expect(err).toBe('')
    expect(code).toBe(0)
  })

  it('leaves out what only an engineer wants to see, unless asked for all of it', async () => {
    const story = new StoryOf()
      .lifecycle('closed')
      .suppression({ reason: 'closed' })
      .outcome('SUPPRESSED', 'closed', { merchant_id: null, attempt: 0 })
      .command('DISCOVER')
      .suppression({ state: 'LIFTED', lifted_reason: 'reopened' })
      .suppression(null)
    expect(await part('WHAT HAPPENED', story)).toEqual([
      '2026-11-28 (UTC)',
      '04:00:00 | card-1 | card event | closed: the account is closed',
      '04:00:02 | card-1 | SUPPRESSED | the card is closed: nothing is pushed',
      '04:00:04 | card-1 | LIFTED | no longer suppressed (closed): reopened',
    ])
    expect(await part('WHAT HAPPENED', story, '--all')).toEqual(
      expect.arrayContaining([
        '04:00:01 | card-1 | suppression | in force: closed',
        '04:00:03 | card-1 | command | DISCOVER u-1:3 (expired)',
      ]),
    )
  })

  it.each<[string, StoryOf, string[]]>([
    [
      'a push that Knot has',
      new StoryOf().known({}, netflix({ attempt: attempt({ phase: 'ACCEPTED' }) })),
      [
        'Netflix | under way: Knot has attempt 1, its result is awaited',
        'Netflix | 2026-11-29 04:00:00 UTC (in 23 h): without a result by then the attempt ends as NO_RESULT',
      ],
    ],
    [
      'a card that the vault does not have ready',
      new StoryOf().known({
        cards: [
          {
            ...newCard('card-1'),
            discovery: {
              command_id: null,
              card_version: 1,
              reason: 'expired',
              vault_version_before: null,
              looks: 1,
              next_at: T0 + 2 * HOUR,
              source: SOURCE,
              origin: SOURCE,
            },
          },
        ],
      }),
      ['card-1 | 2026-11-28 06:00:00 UTC (in 60 min): the vault is asked again for the card'],
    ],
    [
      'a merchant that is logged out',
      new StoryOf().known({}, netflix({ awaiting_relink: { card_ref: 'card-1', card_version: 1 } })),
      ['Netflix | waits for the user: when they log in there again, card-1 is pushed by itself'],
    ],
    [
      'a merchant that is logged out, of a card that opted out',
      new StoryOf().known(
        {
          suppressions: [
            { card_ref: 'card-1', merchant_id: null, reason: 'opt_out', since: T0, until: null, actor: null },
          ],
        },
        netflix({ awaiting_relink: { card_ref: 'card-1', card_version: 1 } }),
      ),
      ['Netflix | waits for the user: when they log in there again, nothing, while it is suppressed (opt_out)'],
    ],
    ['nothing at all', new StoryOf().known({}), ['Nothing by itself: the next event of a card, webhook or order.']],
  ])('says what comes next of %s', async (_what, story, lines) => {
    expect((await part('WHAT COMES NEXT', story)).map(line => line.replace(/\s+/g, ' '))).toEqual(lines)
  })

  it('tells every suppression once: with the card, or beside it', async () => {
    const entry = { since: T0, until: null, actor: null } as const
    const suppressions = [
      { ...entry, card_ref: 'card-1', merchant_id: null, reason: 'opt_out' },
      { ...entry, card_ref: 'card-1', merchant_id: 16, reason: 'operator', actor: 'jo' },
      { ...entry, card_ref: 'card-9', merchant_id: null, reason: 'operator', actor: 'jo' },
    ] as const
    expect(await part('NOW', new StoryOf().known({ suppressions }))).toEqual([
      'card-1 | no new version yet, not pushed: opt_out since 2026-11-28 04:00:00 UTC',
      'merchant 16 | no push of card-1: operator jo since 2026-11-28 04:00:00 UTC',
      'card-9 | no push: operator jo since 2026-11-28 04:00:00 UTC',
    ])
  })

  it("says why an operator's order is in force, where its words are still there", async () => {
    const entry = { card_ref: 'card-1', merchant_id: null, reason: 'operator', since: T0, actor: 'jo' } as const
    const suppressions = [{ ...entry, until: T0 + 2 * HOUR }]
    const story = new StoryOf()
      .order({ card_ref: 'card-1', reason: 'first', until: T0 + HOUR })
      .order({ card_ref: 'card-1', reason: 'second', until: T0 + 2 * HOUR })
      .order({ card_ref: 'card-1', reason: 'refused', until: T0 + 3 * HOUR })
      .order({ card_ref: 'card-2', reason: 'of another card', until: T0 + 2 * HOUR })
      .order({ card_ref: 'card-1', reason: 'of another', actor: 'ann', until: T0 + 2 * HOUR })
    expect(await part('NOW', story.known({ suppressions }))).toEqual([
      'card-1 | no new version yet, not pushed: operator jo since 2026-11-28 04:00:00 UTC (second)',
    ])
    expect(await part('NOW', new StoryOf().known({ suppressions }))).toEqual([
      'card-1 | no new version yet, not pushed: operator jo since 2026-11-28 04:00:00 UTC',
    ])
  })

  it('says above everything that pushes are paused, by whom and why', async () => {
    const order = { pushes: 'paused', actor: 'ann', reason: 'INC-4711', atMs: T0 } as const
    const story = new StoryOf().known({}, netflix({ attempt: attempt({}) })).pushes({ kind: 'paused', order }).story
    const { out } = await user(story)
    const [, , paused, more, , now] = out.split('\n')
    expect(paused).toBe(
      'PUSHES ARE PAUSED since 2026-11-28 04:00:00 UTC by ann: INC-4711. Nothing goes out for any user until onfile',
    )
    expect(more?.trim()).toBe('resume.')
    expect(now).toBe('NOW')
  })

  it('says where it is not known whether pushes are paused, and why', async () => {
    const story = new StoryOf().known({}).pushes({ kind: 'unknown', why: 'no right' }).story
    expect((await user(story)).out.split('\n')[2]).toBe('ARE PUSHES PAUSED? Not known now: no right.')
  })

  it('says of a user who was erased that this is so, and when', async () => {
    const story = new StoryOf().outcome('SKIPPED', 'forgotten', { card_ref: null, merchant_id: null }).forgotten(T0)
    const { code, out } = await user(story.story)
    expect(out).toContain("Erased at 2026-11-28 04:00:00 UTC by an operator's order")
    expect(out).toContain('user       SKIPPED            the user is erased')
    expect(code).toBe(0)
  })

  it('is 1 where nothing is known', async () => {
    const { code, out } = await user(new StoryOf().story)
    expect(out).toContain('Is the id right?')
    expect(code).toBe(1)
  })

  it('shows no card number and moves no cursor, whatever others wrote', async () => {
    const { number } = testCard(5)
    const story = new StoryOf()
      .webhook('CARD_FAILED', `card ${number} \u001b[2J\u202egone`)
      .order({ reason: `cvv: 917` }).story
    for (const flags of [[], ['--all'], ['--json']]) {
      const { out } = await user(story, ...flags)
      expect(out).toContain('gone')
      expect(out).not.toContain(number)
      expect(out).not.toContain('cvv: 917')
      expect(out).not.toContain('\u001b')
      if (flags[0] !== '--json') expect(out).not.toContain('\u202e')
    }
  })

  it('gives machines everything as one line of JSON', async () => {
    const { story } = new StoryOf().lifecycle('closed').command('SWITCH').known({}, netflix())
    const { out } = await user(story, '--json')
    expect(out.split('\n')).toHaveLength(1)
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(story)))
  })

  it('that takes too long is 69, and says what to do', async () => {
    const { code, err } = await onfile(['user', 'u-1', '--within', '20ms'], ENVIRONMENT, {
      readStory: () => new Promise(() => undefined),
    })
    expect(err).toContain('--days')
    expect(code).toBe(69)
  })

  test.each<[string, string[]]>([
    ['a card number as id', ['user', testCard(5).number]],
    ['a blank id', ['user', ' ']],
    ['no id', ['user']],
    ['days that are none', ['user', 'u-1', '--days', '0']],
    ['a time that is none', ['user', 'u-1', '--within', 'soon']],
  ])('%s is 64', async (_what, words) => {
    const { code, out, err } = await onfile(words, ENVIRONMENT)
    expect(code).toBe(64)
    expect(`${out}${err}`).not.toContain(testCard(5).number)
  })
})
