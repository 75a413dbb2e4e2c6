import { setTimeout as wait } from 'node:timers/promises'
import type { TestCard, TestPerson } from '../../../sandbox/people.ts'
import type { PushScript } from '../../../sandbox/knot/script.ts'
import type { OnfileRun } from '../../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../../support/onfile/productProcess.ts'

const MERCHANT = 16
const WITHIN_MS = 40_000

/** Users whose link waits for a card, by what Knot says to it. */
export const TASK_USERS = ['canary-task-good', 'canary-task-refused', 'canary-task-500'] as const

/** Knot refuses a card and quotes it. */
export function refusalThatQuotes(card: TestCard, person: TestPerson): PushScript {
  return {
    http: {
      kind: 'answer',
      status: 400,
      body: {
        error_type: 'INVALID_REQUEST',
        error_code: 'INVALID_FIELD',
        error_message: `The card.number ${card.number} of ${person.name.last_name} is invalid.`,
      },
    },
  }
}

/**
 * The task flow in a process of its own: three users link a merchant, and Knot accepts the card, refuses it and quotes it,
 * answers 500 although it has taken it. Resolves with the process when Knot has answered each.
 *
 * @param addCanary a new card of a new user; gives its reference and its card
 */
export async function liveTasks(
  run: OnfileRun,
  person: TestPerson,
  addCanary: (userId: string) => { readonly cardRef: string; readonly card: TestCard },
): Promise<ProductProcess> {
  const process = run.start({
    ONFILE_ROLES: 'switcher',
    ONFILE_STATE_DIR: `${run.stateDirectory}/switcher`,
    ONFILE_KAFKA_GROUP_INSTANCE_ID: 'pod-switcher',
  })
  await process.ready()
  const canaries = TASK_USERS.map(userId => ({ userId, ...addCanary(userId) }))
  run.knot.script(TASK_USERS[1], MERCHANT, refusalThatQuotes(canaries[1]!.card, person))
  run.knot.script(TASK_USERS[2], MERCHANT, { http: { kind: 'answer', status: 500, landed: true } })
  for (const { userId, cardRef } of canaries) {
    run.knot.link({ userId, merchantId: MERCHANT, cardId: cardRef, announce: true, sendCard: true })
  }
  const deadline = Date.now() + WITHIN_MS
  const isAnswered = (userId: string): boolean =>
    run.knot.pushes(userId).some(({ taskId, answeredAtMs }) => taskId !== null && answeredAtMs !== null)
  while (!TASK_USERS.every(isAnswered)) {
    if (Date.now() > deadline) throw new Error(`not every task was served\n${process.lastWords()}`)
    await wait(50)
  }
  return process
}
