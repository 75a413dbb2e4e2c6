import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { updatesOf } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import { until } from '../../support/onfile/until.ts'

const NETFLIX = 16
const STOP_IN_PUSH = new URL('../../support/onfile/stopInPush.ts', import.meta.url).href

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    partitions: 1,
    settings: { ONFILE_POLICY_RESULT_SOFT: '3s', ONFILE_POLICY_RESULT_HARD: '60s' },
  })
})
afterEach(() => run.close())

/** State T: stopped by a signal. */
const isStopped = async ({ pid }: ProductProcess): Promise<boolean> =>
  /^State:\s+T/m.test(await readFile(`/proc/${pid}/status`, 'utf8'))

it(
  'a process that is stopped between started and the request, and goes on after another took over, pushes nothing',
  { retry: 0 },
  async () => {
    const zombie = run.start({
      NODE_OPTIONS: `--import=${STOP_IN_PUSH}`,
      ONFILE_STATE_DIR: `${run.stateDirectory}/zombie`,
    })
    await zombie.ready()
    run.addUser('ada', 1, [NETFLIX])
    run.addUser('bob', 2, [NETFLIX])
    await run.sendLifecycle(...updatesOf('ada'))
    await until(run, 'the process stops itself in its push', () => isStopped(zombie))
    expect(run.knot.pushes()).toEqual([])

    const heir = run.start({ ONFILE_STATE_DIR: `${run.stateDirectory}/heir` })
    await heir.ready(60_000)
    // What the other one had started may have been sent: that is what the heir says, and it goes on with the rest.
    await until(run, 'the heir reports the push of the other as ambiguous', async () => {
      return (await heir.metric('onfile_commands_answered_total', 'reason="restarted"')) === 1
    })
    await run.sendLifecycle(...updatesOf('bob'))
    await until(run, 'the heir pushes', () => run.knot.pushes('bob').length === 1)

    void zombie.kill('SIGCONT')
    await until(run, 'the other finds out that it is no owner any more', async () => {
      return (await zombie.readyz().catch(() => null)) !== null && !(await isStopped(zombie))
    })
    await wait(3_000)
    expect(run.knot.pushes('ada')).toEqual([])
    expect(run.knot.pushes('bob')).toHaveLength(1)

    const { outcomes } = await run.evidence()
    const ada = outcomes
      .filter(({ value }) => value.user_id === 'ada')
      .map(({ value }) => `${value.status}/${value.reason}`)
    expect(ada).toEqual(['ACCEPTED/ambiguous'])
  },
)
