/**
 * One case of each kind out of the conformance suite (`npm run conformance` runs all of it): every link, effect and timer
 * of the chain topology is written exactly once, whatever is done to the process, its network, its topics and its store.
 */
import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../../sandbox/bed/versions.ts'
import { conform, pick } from '../../conformance/case.ts'
import { answerCases } from '../../conformance/cases/answers.ts'
import { crashCases } from '../../conformance/cases/crashes.ts'
import { damageCases } from '../../conformance/cases/damage.ts'
import { localStoreCases } from '../../conformance/cases/localStore.ts'
import { membershipCases } from '../../conformance/cases/membership.ts'
import { reconcileCases } from '../../conformance/cases/reconcile.ts'
import { reconcileMovedCases } from '../../conformance/cases/reconcileMoved.ts'
import { releaseCases } from '../../conformance/cases/releases.ts'
import { topicCases } from '../../conformance/cases/topics.ts'
import { zombieCases } from '../../conformance/cases/zombies.ts'

const bed = { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION }

conform(
  [
    ...pick(crashCases, 'the process is killed after the step "offset-committed"'),
    ...pick(reconcileCases, 'a cycle of input is in doubt: committed'),
  ],
  { ...bed, protocols: ['v1'] },
)

conform(
  [
    ...pick(
      membershipCases,
      'nothing goes wrong, and SIGTERM ends it cleanly and silently',
      'a second instance joins, takes half, and leaves again: nobody waits for a session, and what stays keeps committing',
    ),
    ...pick(
      crashCases,
      'the process is killed after the step "restored"',
      'the process is killed after the step "committed"',
    ),
    ...pick(answerCases, 'requests and answers of EndTxn are lost, late or cut, one by one'),
    ...pick(reconcileCases, 'a cycle of only timers is in doubt: not committed'),
    ...pick(reconcileMovedCases, 'R1 was granted and the partition moved before R2: never found committed'),
    ...pick(
      zombieCases,
      'a process stops after the step "produced" for longer than its session and comes back to a new owner',
      'two members both believe that they own every partition',
    ),
    ...pick(
      topicCases,
      'the log start has moved past the committed offset: INPUT_TRUNCATED, and the other tasks go on',
    ),
    ...damageCases,
    ...localStoreCases.slice(0, 1),
    ...pick(
      releaseCases,
      'a rollback: the old release refuses the state of the new one, warm and cold, and touches nothing',
    ),
  ],
  { ...bed, protocols: ['v2'] },
)
