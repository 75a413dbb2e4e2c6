import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { KafkaCluster } from '../../support/kafkaCluster.ts'
import { answerCases } from '../../conformance/cases/answers.ts'
import { awayInDoubtCases } from '../../conformance/cases/awayInDoubt.ts'
import { brokerCases } from '../../conformance/cases/brokers.ts'
import { churnCase } from '../../conformance/cases/churn.ts'
import { changelogCases } from '../../conformance/cases/changelog.ts'
import { clockCases } from '../../conformance/cases/clock.ts'
import { compactionCase, missedDeleteCase } from '../../conformance/cases/compaction.ts'
import { crashCases } from '../../conformance/cases/crashes.ts'
import { damageCases } from '../../conformance/cases/damage.ts'
import { endLostCases } from '../../conformance/cases/endLost.ts'
import { fencedInDoubtCases } from '../../conformance/cases/fencedInDoubt.ts'
import { fullVolumeCases } from '../../conformance/cases/fullVolume.ts'
import { localStoreCases } from '../../conformance/cases/localStore.ts'
import { membershipCases } from '../../conformance/cases/membership.ts'
import { noneCommittedCases } from '../../conformance/cases/noneCommitted.ts'
import { reconcileCases } from '../../conformance/cases/reconcile.ts'
import { reconcileMovedCases } from '../../conformance/cases/reconcileMoved.ts'
import { releaseCases } from '../../conformance/cases/releases.ts'
import { restoreCases } from '../../conformance/cases/restores.ts'
import { stopCases } from '../../conformance/cases/stops.ts'
import { storeDamageCases } from '../../conformance/cases/storeDamage.ts'
import { quietCases, timeoutCases } from '../../conformance/cases/timeouts.ts'
import { timersWaitCases } from '../../conformance/cases/timersWait.ts'
import { topicCases } from '../../conformance/cases/topics.ts'
import { tornStoreCases } from '../../conformance/cases/tornStore.ts'
import { zombieCases } from '../../conformance/cases/zombies.ts'
import { ROWS } from '../../conformance/rows.ts'

const noCluster = (): KafkaCluster => {
  throw new Error('there is no cluster here')
}

/** By the name of the array or case, as the suite's files import it. */
const suite = {
  answerCases,
  awayInDoubtCases,
  brokerCases: [...brokerCases(noCluster, 1), ...brokerCases(noCluster, 3)],
  churnCase: [churnCase(10)],
  changelogCases,
  clockCases,
  compactionCase: [compactionCase],
  crashCases,
  damageCases,
  endLostCases: endLostCases(noCluster),
  fencedInDoubtCases,
  fullVolumeCases,
  localStoreCases,
  membershipCases,
  missedDeleteCase: [missedDeleteCase],
  noneCommittedCases,
  quietCases,
  reconcileCases,
  reconcileMovedCases,
  releaseCases,
  restoreCases,
  stopCases,
  storeDamageCases,
  timeoutCases,
  timersWaitCases,
  topicCases,
  tornStoreCases,
  zombieCases,
}
const all = Object.values(suite).flat()

const folder = fileURLToPath(new URL('../../conformance/', import.meta.url))
const files = readdirSync(folder).filter(name => name.endsWith('.test.ts'))
const sources = files.map(name => readFileSync(`${folder}${name}`, 'utf8')).join('\n')

describe('the conformance suite', () => {
  it.each(Object.entries(ROWS))('forces the row %s (%s)', row => {
    expect(all.filter(one => one.row === row)).not.toEqual([])
  })

  it.each(Object.keys(suite))('runs %s', name => {
    expect(sources).toMatch(new RegExp(`conform\\([^)]*\\b${name}\\b`))
  })

  it('names each case once', () => {
    const names = all.map(({ name }) => name)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })
})
