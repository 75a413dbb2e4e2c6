import type { CardOutcome } from '../../src/domain/records.ts'
import type { KnotSimulator } from '../knot/knotSimulator.ts'
import type { CardBook } from './cast.ts'
import { activeSuppressions } from './evidence.ts'
import type { Evidence } from './evidence.ts'
import type { CardOnFile, Witnesses } from './reconcile.ts'

/** Sum of a counter over all its labels, in the text format of Prometheus. */
export const metricSum = (page: string, name: string): number =>
  page
    .split('\n')
    .filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)

type WitnessKnot = Pick<KnotSimulator, 'pushes' | 'pushesInFlightMax' | 'account' | 'fingerprint'>

/** Asks Knot, the vault's book and `/metrics` about what the topics say. */
export const askWitnesses = (
  evidence: Evidence,
  knot: WitnessKnot,
  book: Pick<CardBook, 'current'>,
  metrics: string,
): Witnesses => {
  const pushes = knot.pushes()
  const accounts = new Map(pushes.map(push => [`${push.userId}/${push.merchantId}`, push]))
  const inFlight = [...accounts.values()].map(({ userId, merchantId }) =>
    userId === null || merchantId === null ? 0 : knot.pushesInFlightMax(userId, merchantId),
  )
  return {
    ignoredByMetric:
      metricSum(metrics, 'onfile_records_ignored_total') + metricSum(metrics, 'onfile_user_events_ignored_total'),
    pushes: {
      received: pushes.length,
      landed: pushes.filter(({ landed }) => landed).length,
      maxInFlight: Math.max(0, ...inFlight),
    },
    cardsOnFile: lastSuccesses(evidence).map(outcome => cardOnFile(outcome, evidence, knot, book)),
  }
}

/** For each user and merchant the last attempt's final outcome, where it is a success. */
const lastSuccesses = ({ outcomes }: Evidence): CardOutcome[] => {
  const last = new Map<string, CardOutcome>()
  for (const outcome of outcomes) {
    if (outcome.attempt > 0 && outcome.final) last.set(`${outcome.user_id}/${outcome.merchant_id}`, outcome)
  }
  return [...last.values()].filter(({ status }) => status === 'UPDATED')
}

const cardOnFile = (
  outcome: CardOutcome,
  evidence: Evidence,
  knot: WitnessKnot,
  book: Pick<CardBook, 'current'>,
): CardOnFile => {
  const { user_id: userId, merchant_id: merchantId, card_ref: cardRef, merchant_name } = outcome
  const onFile = merchantId === null ? null : knot.account(userId, merchantId)?.cardOnFile
  const isStopped = [...activeSuppressions(evidence.suppressions).values()].some(
    ({ user_id, card_ref }) => user_id === userId && card_ref === cardRef,
  )
  const isCurrent = cardRef !== null && onFile?.fingerprint === knot.fingerprint(book.current(cardRef))
  return { userId, merchantName: merchant_name ?? 'A merchant', isCurrent: isCurrent || isStopped }
}
