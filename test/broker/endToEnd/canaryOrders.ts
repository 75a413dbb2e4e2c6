import { expect } from 'vitest'
import { OperatorTerminal } from '../../support/onfile/operatorTerminal.ts'
import type { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import type { Haystack } from '../../support/onfile/leakSearch.ts'

/** The order of every kind, and the user whom it is about. */
const ORDERS = [
  ['suppress', 'canary-good'],
  ['lift', 'canary-good'],
  ['retry', 'canary-good'],
  ['cancel', 'canary-500'],
  ['forget', 'canary-cvv'],
] as const
/** A card number where the words of an order go: the command is refused and nothing is written. */
const MISUSED = ['--reason', '--card', '--actor', '--request-id'] as const

/**
 * What a support agent is shown of every canary, as text, as JSON and by the admin address, and every order, also one that
 * somebody gives with a card number in hand. Resolves with everything that was shown.
 *
 * @param forms of a card number, in which somebody may write it down
 */
export async function liveOrders(
  run: OnfileRun,
  product: ProductProcess,
  users: ReadonlySet<string>,
  adminToken: string,
  forms: readonly string[],
): Promise<Haystack[]> {
  const terminal = new OperatorTerminal(run)
  for (const [action, userId] of ORDERS) {
    const order = (...words: readonly string[]) => terminal.onfile(action, '--user', userId, ...words)
    for (const flag of MISUSED) {
      const reason = flag === '--reason' ? [] : ['--reason', 'lost']
      if (flag === '--card' && action === 'forget') continue
      expect((await order(...reason, flag, forms[1]!)).code, `${action} ${flag}`).toBe(64)
    }
    // 1: refused, because there is nothing to cancel or to try again.
    expect([0, 1], action).toContain((await order('--reason', 'lost', '--actor', 'jo')).code)
  }
  const pages: string[] = []
  for (const userId of users) {
    for (const flags of [['--all'], ['--json']]) {
      expect((await terminal.onfile('user', userId, ...flags)).code, userId).toBe(0)
    }
    const page = await product.admin('GET', `/users/${userId}?actor=jo&reason=lost`, { token: adminToken })
    expect(page.status, userId).toBe(200)
    pages.push(JSON.stringify(page.body))
  }
  const shown = terminal.shown.join('\n')
  expect(shown).toContain('canary-good')
  expect(pages.join('\n')).toContain('card-canary-good')
  return [
    { place: 'output of the commands', bytes: Buffer.from(shown) },
    { place: 'admin pages of the users', bytes: Buffer.from(pages.join('\n')) },
  ]
}
