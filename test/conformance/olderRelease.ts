import { afterAll, beforeAll, describe } from 'vitest'
import { KafkaCluster } from '../support/kafkaCluster.ts'
import { conform, pick } from './case.ts'
import type { ConformanceCase, Protocol } from './case.ts'
import { answerCases } from './cases/answers.ts'
import { brokerCases } from './cases/brokers.ts'
import { changelogCases } from './cases/changelog.ts'
import { crashCases } from './cases/crashes.ts'
import { fencedInDoubtCases } from './cases/fencedInDoubt.ts'
import { membershipCases } from './cases/membership.ts'
import { reconcileCases } from './cases/reconcile.ts'
import { topicCases } from './cases/topics.ts'
import { zombieCases } from './cases/zombies.ts'

/** Where a broker's release can make a difference: transactions, groups, what is fenced, what a log can look like. */
const cases: readonly ConformanceCase[] = [
  ...crashCases,
  ...answerCases,
  ...membershipCases,
  ...pick(
    reconcileCases,
    'a cycle of input is in doubt: committed',
    'a cycle of only timers is in doubt: committed',
    'a cycle of only finished effects is in doubt: committed',
    'a cycle of input is in doubt: not committed',
    'a cycle of only timers is in doubt: not committed',
    'a cycle of only finished effects is in doubt: not committed',
    'a cycle of input is in doubt: fenced',
    'a cycle of input is in doubt after Produce: not committed',
  ),
  ...pick(
    fencedInDoubtCases,
    'a cycle of input is in doubt after EndTxn, committed, and an heir goes on before R1: refused',
    'a cycle of input is in doubt after TxnOffsetCommit, not committed, and an heir goes on before R1: refused',
  ),
  ...pick(
    zombieCases,
    'a process stops after the step "produced" for longer than its session and comes back to a new owner',
    'a process stops after the step "offset-committed" for longer than its session and comes back to a new owner',
    'two members both believe that they own every partition',
  ),
  ...pick(
    topicCases,
    'the log start has moved past the committed offset: INPUT_TRUNCATED, and the other tasks go on',
    'the committed offset was deleted beside a changelog: OFFSET_MISSING, and its restoration mends it',
    'an open foreign transaction in the changelog: RESTORE_STUCK with its reason, the others run, and its end mends it',
  ),
  ...pick(
    changelogCases,
    'the changelog is created anew, before a start and under running tasks: CHANGELOG_LOST, never an empty state',
  ),
]

/** Makes tests of these cases on one broker of an older release, with the protocol that it has. */
export function conformOn(kafkaVersion: string, protocol: Protocol, more: readonly ConformanceCase[] = []): void {
  describe(`Kafka ${kafkaVersion}`, () => {
    let cluster: KafkaCluster
    beforeAll(async () => {
      cluster = await KafkaCluster.start({ kafkaVersion })
    })
    afterAll(async () => {
      await cluster.stop()
    })

    conform([...cases, ...more, ...brokerCases(() => cluster, 1)], {
      brokers: () => cluster.brokers,
      kafkaVersion,
      protocols: [protocol],
    })
  })
}
