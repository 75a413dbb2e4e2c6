import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'
import { until } from '../../support/onfile/until.ts'

const USERS = 40
const MERCHANTS = [10, 12]

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    settings: { ONFILE_POLICY_RESULT_SOFT: '15s', ONFILE_POLICY_RESULT_HARD: '30s' },
  })
})
afterEach(async () => {
  await run.close()
})

type RoleName = 'ingest' | 'decide' | 'provision'

const NO_KNOT = { ONFILE_KNOT_URL: '', ONFILE_KNOT_CLIENT_ID: '', ONFILE_KNOT_SECRET: '' }
const NO_VAULT = { ONFILE_VAULT_URL: '', ONFILE_VAULT_TOKEN: '' }

/** One role in a process of its own, which is told only what that role needs. */
function startRole(role: RoleName, directory: string = role): ProductProcess {
  const needs: Record<RoleName, Readonly<Record<string, string>>> = {
    ingest: { ...NO_KNOT, ...NO_VAULT, ONFILE_DIRECTORY_URL: run.vault.url, ONFILE_DIRECTORY_TOKEN: run.vault.token },
    decide: { ...NO_KNOT, ...NO_VAULT, ONFILE_INGEST_START_AT: '' },
    provision: { ONFILE_INGEST_START_AT: '' },
  }
  return run.start({ ...needs[role], ONFILE_ROLES: role, ONFILE_STATE_DIR: join(run.stateDirectory, directory) })
}

/** Input partitions that a process has in state `running`. */
async function runningTasks(process: ProductProcess): Promise<number> {
  const { roles } = await process.readyz()
  return roles.flatMap(role => role.tasks).filter(task => task.state === 'running').length
}

async function untilRunning(process: ProductProcess, tasks: number): Promise<void> {
  await until(run, `${tasks} tasks run`, async () => (await runningTasks(process)) === tasks)
}

/** Updates of all users, round after round, some found by field and some by the directory. */
function flow(cards: readonly string[]): { stop: () => Promise<number> } {
  let flowing = true
  const writing = (async () => {
    let rounds = 0
    for (; flowing; rounds++) {
      const round = rounds
      const messages = cards
        .map((cardRef, index) => ({ cardRef, index }))
        .filter(({ index }) => (index + round) % 4 === 0)
        .map(({ cardRef, index }) => ({
          key: cardRef,
          value: lifecycleEvent({
            cardRef,
            type: round % 3 === 2 ? 'enrolled' : 'updated',
            ...(index % 2 === 0 ? { userId: `user-${index}` } : {}),
          }),
        }))
      await run.sendLifecycle(...messages)
      await wait(150)
    }
    return rounds
  })()
  return {
    stop: () => {
      flowing = false
      return writing
    },
  }
}

describe('the three roles in processes of their own, under load', { retry: 0 }, () => {
  it('lose and double nothing while a second DECIDE joins and leaves and all of them restart in turn', async () => {
    const cards = Array.from({ length: USERS }, (_, index) => run.addUser(`user-${index}`, index, MERCHANTS))
    let ingest = startRole('ingest')
    let decide = startRole('decide')
    let provision = startRole('provision')
    await Promise.all([ingest, decide, provision].map(process => process.ready()))
    const load = flow(cards)
    await wait(500)

    const second = startRole('decide', 'decide-2')
    await untilRunning(second, 2)
    await untilRunning(decide, 2)
    await wait(500)
    expect(await second.kill('SIGTERM')).toBe(0)
    await untilRunning(decide, 4)

    // One after the other, as a rolling update does it.
    expect(await provision.kill('SIGTERM')).toBe(0)
    provision = startRole('provision')
    await untilRunning(provision, 4)
    expect(await decide.kill('SIGTERM')).toBe(0)
    decide = startRole('decide')
    await untilRunning(decide, 4)
    expect(await ingest.kill('SIGTERM')).toBe(0)
    ingest = startRole('ingest')
    await untilRunning(ingest, 12)

    // And a second PROVISION takes over from one that is stopped for good, with pushes under way.
    const heir = startRole('provision', 'provision-2')
    await untilRunning(heir, 2)
    expect(await provision.kill('SIGTERM')).toBe(0)
    await untilRunning(heir, 4)
    expect(await load.stop()).toBeGreaterThan(20)

    const { inputs, outcomes, deadLetters } = await run.expectExact()
    expect(deadLetters).toEqual([])
    expect(inputs.length).toBeGreaterThan(200)
    expect(outcomes.filter(({ value }) => value.status === 'UPDATED').length).toBeGreaterThan(USERS)
    // Every restart was a clean one: nothing had to be guessed.
    expect(outcomes.filter(({ value }) => value.reason === 'ambiguous')).toEqual([])
    for (const process of [ingest, decide, heir]) expect(await process.kill('SIGTERM')).toBe(0)
    const errors = run.logs().flatMap(log =>
      log
        .toString('utf8')
        .split('\n')
        .filter(line => /"level":"(error|fatal)"/.test(line)),
    )
    expect(errors).toEqual([])
  })
})
