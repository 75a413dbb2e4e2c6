import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { CommittedOffsets } from '../../support/onfile/committedOffsets.ts'
import type { Evidence } from '../../support/onfile/evidence.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'

const USERS = 80
const MERCHANTS = [10, 12, 16]
/** Pushes are held back, so that many wait when the opt-outs come. */
const PUSHES_PER_SECOND = 40
/** From a request on the wire to its arrival in the simulator's log, on a loaded machine. */
const ARRIVAL_SLACK_MS = 150

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    knot: { webhookDelayMs: 50 },
    settings: {
      ONFILE_KNOT_RATE_PER_SECOND: String(PUSHES_PER_SECOND),
      ONFILE_POLICY_RESULT_SOFT: '20s',
      ONFILE_POLICY_RESULT_HARD: '40s',
    },
  })
})
afterEach(async () => {
  await run.close()
})

/** Pushes that came although their CANCEL was behind PROVISION's committed offset, and how many CANCELs were looked at. */
function latePushes(evidence: Evidence, offsets: CommittedOffsets): { cancels: number; late: string[] } {
  const late: string[] = []
  let cancels = 0
  for (const { partition, offset, value } of evidence.commands) {
    // Others (a look that is not needed any more) are about one command, not about the user's pushes.
    if (value.kind !== 'CANCEL' || value.reason !== 'opt_out') continue
    cancels++
    const passedAtMs = offsets.passedAtMs(partition, offset)
    if (passedAtMs === undefined) late.push(`${value.command_id}: the group never passed it`)
    for (const { atMs } of run.knot.pushes(value.user_id)) {
      if (passedAtMs === undefined || atMs <= passedAtMs + ARRIVAL_SLACK_MS) continue
      late.push(`${value.user_id}: a push ${atMs - passedAtMs} ms after its CANCEL was committed`)
    }
  }
  return { cancels, late }
}

describe('opt-outs that race updates, for many users', { retry: 0 }, () => {
  it('let no push start once the committed offset of PROVISION has passed the CANCEL, and say what became of each', async () => {
    const product = run.start()
    const cards = Array.from({ length: USERS }, (_, index) => run.addUser(`user-${index}`, index, MERCHANTS))
    await product.ready()
    const group = `${run.id}-provision`
    const offsets = await CommittedOffsets.watch(inject('brokers'), group, run.topics.provisioningCommands, 10)
    const send = (type: string, from: number, to: number): Promise<void> =>
      run.sendLifecycle(
        ...cards.slice(from, to).map((cardRef, index) => ({
          key: cardRef,
          value: lifecycleEvent({ cardRef, type, userId: `user-${from + index}` }),
        })),
      )
    await send('updated', 0, USERS)
    // Three quarters opt out, in waves, while the pushes of all go out; the rest shows that pushes went on.
    for (const from of [0, 15, 30, 45]) {
      await wait(500)
      await send('opt_out', from, from + 15)
    }
    const evidence = await run.expectExact()
    await offsets.stop()

    const { cancels, late } = latePushes(evidence, offsets)
    expect(late).toEqual([])

    // It was a race: some pushes had gone before, some were stopped at each stage.
    const optedOut = evidence.outcomes.filter(({ value }) => Number(value.user_id.slice('user-'.length)) < 60)
    const count = (status: string, reason: string): number =>
      optedOut.filter(({ value }) => value.status === status && value.reason === reason).length
    expect(count('SUPPRESSED', 'opt_out')).toBe(60)
    expect(cancels).toBeGreaterThan(20)
    expect(count('CANCELLED', 'opt_out')).toBeGreaterThan(20)
    expect(run.knot.pushes().length).toBeGreaterThan(0)
    const after = Array.from({ length: 20 }, (_, index) => run.knot.pushes(`user-${60 + index}`).length)
    expect(after).toEqual(Array.from({ length: 20 }, () => MERCHANTS.length))

    // What was stopped was not pushed, and what was pushed is not said to be stopped.
    for (const { value } of evidence.outcomes) {
      if (value.status !== 'CANCELLED' || value.merchant_id === null) continue
      expect(run.knot.pushes(value.user_id, value.merchant_id), value.outcome_id).toEqual([])
    }
    expect(await product.metric('onfile_provision_applied_cancel_offset')).toBeGreaterThan(0)

    // And it lasts: a newer version is refused.
    const before = run.knot.pushes().length
    await send('updated', 0, 60)
    const again = await run.expectExact()
    expect(run.knot.pushes().length).toBe(before)
    const refused = again.outcomes
      .slice()
      .filter(({ value }) => value.status === 'SUPPRESSED' && value.card_version !== null)
    expect(refused).toHaveLength(60)
  })
})
