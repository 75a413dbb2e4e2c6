import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { testCard } from '../../../sandbox/people.ts'
import { LocalStore } from '../../../src/store/localStore.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import { OperatorTerminal } from '../../support/onfile/operatorTerminal.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import { readCommitted } from '../../support/readCommitted.ts'

const NETFLIX = 16
const AMAZON = 44

let run: OnfileRun
let terminal: OperatorTerminal
let product: ProductProcess

beforeAll(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    partitions: 2,
    settings: { ONFILE_POLICY_MIN_GAP: '30m', ONFILE_POLICY_RESULT_SOFT: '10m', ONFILE_POLICY_RESULT_HARD: '1h' },
  })
  terminal = new OperatorTerminal(run)
  product = run.start()
  await product.ready()
})
afterAll(() => run.close())

async function send(userId: string, type: string): Promise<void> {
  const cardRef = `card-${userId}`
  await run.sendLifecycle({ key: cardRef, value: lifecycleEvent({ cardRef, type, userId }) })
}

/** The outcomes of a user once `expected` are among them. */
async function outcomesOf(userId: string, ...expected: readonly string[]): Promise<string[]> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const { outcomes } = await run.evidence()
    const found = outcomes
      .filter(({ value }) => value.user_id === userId)
      .map(({ value }) => `${value.status}/${value.reason}`)
    if (expected.every(text => found.includes(text))) return found
    if (Date.now() > deadline) throw new Error(`${userId} has ${found.join(', ')}, not ${expected.join(', ')}`)
    await wait(300)
  }
}

const order = (action: string, userId: string, ...more: readonly string[]) =>
  terminal.onfile(action, '--user', userId, '--reason', 'a test', ...more)

describe('orders from a command line', { retry: 0 }, () => {
  it('take effect, and the command says so by its exit code', async () => {
    run.addUser('ordered', 1, [NETFLIX])
    expect(await order('cancel', 'ordered')).toMatchObject({ code: 1, err: '' })

    const suppressed = await order('suppress', 'ordered', '--until', '1h')
    expect(suppressed).toMatchObject({ code: 0, err: '' })
    expect(suppressed.out).toContain('✓ SUPPRESS ordered, all cards, all merchants')
    expect(suppressed.out).toContain(`order ${run.topics.userEvents}-`)
    await send('ordered', 'updated')
    await outcomesOf('ordered', 'SUPPRESSED/operator')
    expect(run.knot.pushes('ordered')).toEqual([])

    expect((await order('lift', 'ordered', '--merchant', String(NETFLIX))).code).toBe(1)
    expect((await order('lift', 'ordered')).code).toBe(0)
    await send('ordered', 'updated')
    await outcomesOf('ordered', 'UPDATED/updated')
    expect(run.knot.pushes('ordered')).toHaveLength(1)
  })

  it('name their own position as their source, which the command has told', async () => {
    const { out } = await order('suppress', 'placed')
    const position = /order (\S+)-(\d+)@(\d+),/.exec(out)!
    const { outcomes } = await run.evidence()
    const own = outcomes.find(({ value }) => value.user_id === 'placed')
    expect(own?.value.source).toEqual({
      topic: position[1],
      partition: Number(position[2]),
      offset: Number(position[3]),
      event_id: null,
    })
  })

  it('say what they have stopped', async () => {
    run.addUser('stopped', 2, [NETFLIX])
    await send('stopped', 'updated')
    await outcomesOf('stopped', 'UPDATED/updated')
    run.vault.reissue('card-stopped', testCard(902))
    await send('stopped', 'updated')
    await outcomesOf('stopped', 'RETRY_SCHEDULED/min_gap')
    const { code, out } = await order('cancel', 'stopped')
    expect(out).toContain('Netflix (card-stopped, attempt 1): CANCELLED/operator')
    expect(code).toBe(0)
  })

  it('retry what the vault did not have, once it has it', async () => {
    expect((await order('retry', 'tried')).code).toBe(1)
    await send('tried', 'updated')
    await outcomesOf('tried', 'SKIPPED/card_unknown')
    run.addUser('tried', 3, [NETFLIX])
    const { code, out } = await order('retry', 'tried')
    expect(out).toContain('✓ RETRY tried, all cards, all merchants: RETRY_SCHEDULED/operator')
    expect(code).toBe(0)
    const outcomes = await outcomesOf('tried', 'UPDATED/updated')
    expect(outcomes.slice(-2)).toEqual(['ACCEPTED/accepted', 'UPDATED/updated'])
    expect(run.knot.pushes('tried')).toHaveLength(1)
    expect((await order('retry', 'tried', '--merchant', String(NETFLIX))).code).toBe(0)
    await outcomesOf('tried', 'SKIPPED/already_current')
    expect(run.knot.pushes('tried')).toHaveLength(1)
  })

  it('wait while DECIDE is away, and stand when nobody waits any more', async () => {
    await product.kill('SIGKILL')
    const waiting = order('suppress', 'away')
    const gaveUp = await order('suppress', 'late', '--wait', '500ms')
    expect(gaveUp.code).toBe(69)
    product = run.start()
    await product.ready()
    expect((await waiting).code).toBe(0)
    await outcomesOf('late', 'SUPPRESSED/operator')
  })
})

/** What is left of a compacted topic when it has been compacted whole. */
async function compacted(topic: string): Promise<string> {
  const last = new Map<string, Buffer | null>()
  for (const { key, value } of await readCommitted(inject('brokers'), [topic])) {
    last.set(key?.toString('latin1') ?? '', value)
  }
  return [...last].flatMap(([key, value]) => (value === null ? [] : [key, value.toString('latin1')])).join('\n')
}

/** Every entry that the local stores of a role still have. */
async function storedText(role: string): Promise<string> {
  const directory = join(run.stateDirectory, 'state', role)
  const texts: string[] = []
  for (const task of await readdir(directory)) {
    const { store } = await LocalStore.open(join(directory, task))
    for await (const [key, value] of store.entries('')) texts.push(key, value.toString('latin1'))
    await store.close()
  }
  return texts.join('\n')
}

describe('a user who is forgotten', { retry: 0 }, () => {
  const FORGOTTEN = 'zz-forgotten'
  const KEPT = 'zz-kept'
  let evidence: Evidence

  /** Something of everything: a card on file, an attempt that Knot has, one that waits, suppressions, timers. */
  async function fill(userId: string, index: number): Promise<void> {
    run.addUser(userId, index, [NETFLIX, AMAZON])
    run.knot.script(userId, AMAZON, { dropWebhook: true })
    await send(userId, 'updated')
    await outcomesOf(userId, 'UPDATED/updated', 'ACCEPTED/accepted')
    run.vault.reissue(`card-${userId}`, testCard(1_000 + index))
    await send(userId, 'updated')
    await outcomesOf(userId, 'RETRY_SCHEDULED/min_gap')
    expect((await order('suppress', userId, '--card', `other-${userId}`, '--until', '2h')).code).toBe(0)
    expect((await order('suppress', userId, '--card', `third-${userId}`)).code).toBe(0)
  }

  beforeAll(async () => {
    await fill(FORGOTTEN, 11)
    await fill(KEPT, 12)
    const { code, out } = await order('forget', FORGOTTEN)
    expect(out).toContain(`✓ FORGET ${FORGOTTEN}: SUPPRESSED/forgotten`)
    expect(out).toContain('CANCELLED/operator')
    expect(out).toContain('NO_RESULT/forgotten')
    expect(code).toBe(0)
  })

  it('is not brought back by a late webhook or a late event', async () => {
    const before = run.knot.pushes(FORGOTTEN).length
    run.knot.announce({
      event: 'CARD_UPDATED',
      session_id: 'session-late',
      external_user_id: FORGOTTEN,
      merchant: { id: AMAZON, name: 'Amazon' },
      data: { card_id: `card-${FORGOTTEN}` },
      timestamp: Date.now(),
    })
    await send(FORGOTTEN, 'updated')
    await run.quiet(10_000)
    const outcomes = await outcomesOf(FORGOTTEN, 'SKIPPED/forgotten')
    expect(outcomes.filter(text => text === 'SKIPPED/forgotten')).toHaveLength(2)
    expect(run.knot.pushes(FORGOTTEN)).toHaveLength(before)
  })

  it('has a story that says so, beside one of a user who is known', async () => {
    const kept = await terminal.onfile('user', KEPT)
    expect(kept.code).toBe(0)
    const lines = kept.out.split('\n')
    const next = lines.slice(lines.indexOf('WHAT COMES NEXT'))
    expect(lines.some(line => /card event +updated: the card has a new number/.test(line))).toBe(true)
    expect(lines.some(line => /Netflix +UPDATED +the merchant has the new card/.test(line))).toBe(true)
    expect(lines.some(line => /operator +SUPPRESS by ops: a test/.test(line))).toBe(true)
    expect(next.some(line => /Netflix +.* UTC \(in \d+ min\): attempt 1/.test(line))).toBe(true)
    expect(next.some(line => /Amazon +under way: Knot has attempt 1/.test(line))).toBe(true)

    const forgotten = await terminal.onfile('user', FORGOTTEN, '--json')
    const { state } = JSON.parse(forgotten.out) as { state: { kind: string; left: { forgotten_at: number } } }
    expect(state.kind).toBe('forgotten')
    expect((await terminal.onfile('user', 'zz-nobody')).code).toBe(1)
  })

  it('is in no store and in no compacted topic any more, and other users are', async () => {
    expect(await product.kill('SIGTERM')).toBe(0)
    const places: Record<string, string> = {
      'store of decide': await storedText('decide'),
      'store of provision': await storedText('provision'),
      'decide changelog': await compacted(run.topics.decideChangelog),
      'provision changelog': await compacted(run.topics.provisionChangelog),
      suppressions: await compacted(run.topics.cardSuppressions),
    }
    for (const [place, text] of Object.entries(places)) expect(text.includes(FORGOTTEN), place).toBe(false)
    for (const place of ['store of decide', 'decide changelog', 'suppressions']) expect(places[place]).toContain(KEPT)
  })

  it('has outcomes that explain everything, and none of them after the order names a card', async () => {
    evidence = await run.evidence()
    const ofUser = evidence.outcomes.filter(({ value }) => value.user_id === FORGOTTEN).map(({ value }) => value)
    const order = ofUser.findIndex(({ reason }) => reason === 'forgotten')
    const late = ofUser.slice(order).filter(({ source }) => source.offset !== ofUser[order]!.source.offset)
    expect(late.length).toBeGreaterThan(0)
    expect(late.every(({ card_ref, merchant_id }) => card_ref === null && merchant_id === null)).toBe(true)
    const open = ofUser.filter(({ command_id, final }) => command_id !== null && !final).map(value => value.command_id)
    for (const commandId of open) {
      expect(ofUser.some(({ command_id, final }) => command_id === commandId && final)).toBe(true)
    }
  })
})
