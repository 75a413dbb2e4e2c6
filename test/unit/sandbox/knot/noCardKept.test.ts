import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import type { KnotSimulator } from '../../../../sandbox/knot/knotSimulator.ts'
import { testCard, testPerson } from '../../../../sandbox/people.ts'
import { KnotCaller } from './knotCaller.ts'

const simulatorModule = new URL('../../../../sandbox/knot/knotSimulator.ts', import.meta.url).href

/** A simulator in a process of its own: prints where it is, and writes a heap snapshot for each line that it reads. */
const program = `
  import { createInterface } from 'node:readline'
  import { writeHeapSnapshot } from 'node:v8'
  import { inspect } from 'node:util'
  import { startKnot } from ${JSON.stringify(simulatorModule)}
  const knot = await startKnot({ webhookDelayMs: 5 })
  for (let merchantId = 1; merchantId <= 6; merchantId += 1) knot.link({ userId: 'user-1', merchantId })
  console.log(JSON.stringify({ url: knot.url, secureUrl: knot.secureUrl, clientId: knot.clientId, secret: knot.secret }))
  for await (const file of createInterface({ input: process.stdin })) {
    await knot.settled()
    console.log(inspect([knot, knot.pushes(), knot.webhooks(), knot.account('user-1', 1)], { depth: 20, showHidden: true }))
    writeHeapSnapshot(file)
    console.log('written')
  }
  await knot.stop()
`

test('nothing that the simulator prints or keeps holds a card number or a JWE', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'onfile-heap-'))
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'pipe'] })
  try {
    const printed: string[] = []
    const lines = createInterface({ input: child.stdout }).on('line', line => printed.push(line))
    createInterface({ input: child.stderr }).on('line', line => printed.push(line))
    await once(lines, 'line')
    const caller = new KnotCaller(JSON.parse(printed[0] ?? '{}') as KnotSimulator)

    const cards = Array.from({ length: 6 }, (_, index) => testCard(987_654_321 + index))
    const user = testPerson(1)
    const jwes: string[] = []
    for (const [index, card] of cards.entries()) {
      const ids = { external_user_id: 'user-1', merchant_id: index + 1 }
      const jwe = await caller.encrypt({ user, card })
      jwes.push(jwe)
      await caller.post('/card', { jwe, ...ids })
      await caller.pushPlain(ids, { user, card })
      await caller.pushPlain(ids, { user, card: { ...card, cvv: '12345' } })
      await caller.pushPlain({ ...ids, merchant_id: 99 }, { user, card: { ...card, number: `${card.number}x` } })
    }
    for (let request = 0; request < 3; request += 1) {
      await caller.get('/accounts/get?external_user_id=user-1')
      await caller.post('/card', {})
      await caller.pushPlain({ task_id: 'none' }, {})
    }
    const snapshot = join(dir, 'heap.heapsnapshot')
    child.stdin.end(`${snapshot}\n`)
    await once(child, 'close')
    expect(printed.at(-1)).toBe('written')

    const everything = printed.join('\n') + readFileSync(snapshot, 'utf8')
    expect(everything).toContain(cards[0]!.number.slice(-4))
    expect(everything).toContain('user-1')
    const kept = [...cards.map(card => card.number), ...jwes.map(jwe => jwe.slice(0, 200))]
    expect(kept.filter(secret => everything.includes(secret))).toEqual([])
  } finally {
    child.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  }
}, 60_000)
