import { setTimeout as wait } from 'node:timers/promises'
import { lifecycleEvent } from '../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../support/onfile/onfileRun.ts'
import type { ProductProcess } from '../support/onfile/productProcess.ts'

export interface ConversionOptions {
  readonly brokers: string
  readonly registryUrl: string
  /** Everybody whose card is converted, all at one merchant. */
  readonly users: number
  /** Pushes that the merchant takes: `provision.merchantRatePerSecond`. */
  readonly perSecond: number
  /** From one pair of newcomers (one at that merchant, one at another) to the next. */
  readonly newcomersEveryMs: number
  readonly log: (line: string) => void
}

/** How long newcomers waited from the write of their event to the arrival of their push, in ms, sorted. */
export interface Waits {
  readonly there: readonly number[]
  readonly elsewhere: readonly number[]
  /** There, while the conversion itself was still coming in: they stand in the middle of it. */
  readonly amidst: readonly number[]
}

export interface ConversionResult {
  readonly users: number
  readonly perSecond: number
  readonly seconds: number
  /** Pushes per second at the merchant, from the first to the last one of the conversion. */
  readonly measuredPerSecond: number
  readonly pushes: number
  /** Users whose push landed, of all; the others were started when the process was killed, and nobody can know. */
  readonly landed: number
  readonly withoutResult: number
  readonly inFlightMax: number
  /** Newcomers who came while no process was ready are not in it. */
  readonly waits: Waits
  readonly newcomers: number
  /** From SIGKILL to the first push of the next process. */
  readonly awayMs: number
  readonly violations: readonly string[]
}

const BUSY = 16
const OTHERS = [10, 12, 19, 36, 44, 45, 165]
/** A newcomer must not wait longer while a process is ready: behind the conversion it would be minutes. */
const NEWCOMER_MOST_MS = 30_000
const KILL_AT = 0.4
/** The last ones may be in doubt. */
const ALL_BUT = 0.999
const PROGRESS_MS = 15_000

/**
 * A portfolio conversion: every user of an issuer has a new card at one merchant at the same moment. Newcomers come all the
 * while, and the product is killed with SIGKILL once. Everything must come out exactly, at the merchant's rate.
 */
export async function conversionSoak(options: ConversionOptions): Promise<ConversionResult> {
  const { users, perSecond, log } = options
  // Nothing that waits may be overtaken by its deadline; what the kill leaves in doubt ends by it.
  const hardSeconds = Math.ceil((users / perSecond) * 1.25) + 60
  const run = await OnfileRun.create({
    brokers: options.brokers,
    registryUrl: options.registryUrl,
    knot: { webhookDelayMs: 500, pushMovesLastUserAction: true },
    settings: {
      ONFILE_KAFKA_GROUP_INSTANCE_ID: 'pod-0',
      ONFILE_PROVISION_MERCHANT_RATE_PER_SECOND: String(perSecond),
      ONFILE_POLICY_RESULT_SOFT: '30s',
      ONFILE_POLICY_RESULT_HARD: `${hardSeconds}s`,
      ONFILE_POLICY_RECONCILE_DONE: 'enrolled',
    },
  })
  const startedAtMs = Date.now()
  const seconds = (): number => Math.round((Date.now() - startedAtMs) / 1_000)
  const ofConversion = () => run.knot.pushes().filter(({ userId }) => userId?.startsWith('converted-'))
  const progress = setInterval(() => log(`${seconds()} s: ${ofConversion().length} of ${users} pushed`), PROGRESS_MS)
  try {
    for (let index = 0; index < users; index++) run.addUser(`converted-${index}`, index, [BUSY])
    let product = run.start()
    await product.ready(120_000)
    for (let from = 0; from < users; from += 1_000) {
      const batch = Array.from({ length: Math.min(1_000, users - from) }, (_, index) => `converted-${from + index}`)
      await send(run, ...batch)
    }
    const newcomers = new Newcomers(run, users)
    let killedAtMs = 0
    let backAtMs = 0
    let isIn = false
    while (ofConversion().length < users * ALL_BUT && seconds() < hardSeconds) {
      isIn ||= (await lineAt(product)) + ofConversion().length >= users * ALL_BUT
      await newcomers.come(isIn, killedAtMs > 0 && backAtMs === 0)
      if (killedAtMs === 0 && ofConversion().length > users * KILL_AT) {
        await product.kill('SIGKILL')
        killedAtMs = Date.now()
        newcomers.excuse()
        product = run.start()
      }
      await untilNext(options.newcomersEveryMs, () => {
        backAtMs ||= killedAtMs === 0 ? 0 : (run.knot.pushes().find(({ atMs }) => atMs > killedAtMs)?.atMs ?? 0)
      })
    }
    log(`${seconds()} s: the conversion is through; what the kill left in doubt has until ${hardSeconds} s after it`)
    await settled(product, (hardSeconds + 120) * 1_000)
    const evidence = await run.expectExact(120_000)
    const pushes = run.knot.pushes()
    const own = ofConversion()
    const measured = own.length / ((own.at(-1)!.atMs - own[0]!.atMs - (backAtMs - killedAtMs)) / 1_000)
    const inFlightMax = own.reduce((most, { userId }) => Math.max(most, run.knot.pushesInFlightMax(userId!, BUSY)), 0)
    const landed = new Set(own.flatMap(({ landed: isOn, userId }) => (isOn ? [userId] : []))).size
    const withoutResult = evidence.outcomes.filter(({ value }) => value.status === 'NO_RESULT').length
    const waits = newcomers.waits()
    const exit = await product.kill('SIGTERM')
    const violations = [
      ...(exit === 0 ? [] : [`the product ended with ${exit} on SIGTERM`]),
      ...(landed + withoutResult >= users ? [] : [`${users - landed - withoutResult} users are without a push`]),
      ...(own.length <= users ? [] : [`${own.length} pushes for ${users} users`]),
      ...(inFlightMax <= 1 ? [] : [`${inFlightMax} pushes of one user at once`]),
      ...(measured <= perSecond * 1.1
        ? []
        : [`${measured.toFixed(1)} pushes per second at a merchant with ${perSecond}`]),
      ...(['there', 'elsewhere'] as const).flatMap(where => {
        const most = waits[where].at(-1) ?? Number.POSITIVE_INFINITY
        return most <= NEWCOMER_MOST_MS ? [] : [`a newcomer ${where} waited ${most} ms`]
      }),
      ...newcomers.unserved().map(userId => `${userId} was never served`),
    ]
    return {
      ...{ users, perSecond, seconds: seconds(), measuredPerSecond: measured, pushes: pushes.length },
      ...{ landed, withoutResult, inFlightMax, waits, newcomers: newcomers.count, awayMs: backAtMs - killedAtMs },
      violations,
    }
  } finally {
    clearInterval(progress)
    await run.close()
  }
}

/** Users who have nothing to do with the conversion: one at its merchant and one at another, each time. */
class Newcomers {
  private readonly run: OnfileRun
  private readonly firstCard: number
  private readonly sent: {
    readonly userId: string
    readonly isIn: boolean
    readonly atMs: number
    isCounted: boolean
  }[] = []

  constructor(run: OnfileRun, firstCard: number) {
    this.run = run
    this.firstCard = firstCard
  }

  get count(): number {
    return this.sent.length
  }

  /**
   * @param isIn all of the conversion waits by now
   * @param isAway no process is ready: they are served later, and nobody measures how much
   */
  async come(isIn: boolean, isAway: boolean): Promise<void> {
    const turn = this.sent.length / 2
    const other = OTHERS[turn % OTHERS.length]!
    const [there, elsewhere] = [`there-${turn}`, `elsewhere-${turn}`]
    this.run.addUser(there, this.firstCard + this.sent.length, [BUSY])
    this.run.addUser(elsewhere, this.firstCard + this.sent.length + 1, [other])
    for (const userId of [there, elsewhere]) {
      this.sent.push({ userId, isIn, atMs: Date.now(), isCounted: !isAway })
    }
    await send(this.run, there, elsewhere)
  }

  /** Who has not been served by now is not counted: nobody is there to do it. */
  excuse(): void {
    for (const newcomer of this.sent) newcomer.isCounted &&= this.run.knot.pushes(newcomer.userId).length > 0
  }

  waits(): Waits {
    const of = (where: string, afterAll: boolean): number[] =>
      this.sent
        .filter(({ userId, isIn, isCounted }) => isCounted && isIn === afterAll && userId.startsWith(where))
        .flatMap(({ userId, atMs }) => this.run.knot.pushes(userId).map(push => push.atMs - atMs))
        .sort((a, b) => a - b)
    const elsewhere = [...of('elsewhere', true), ...of('elsewhere', false)].sort((a, b) => a - b)
    return { there: of('there', true), elsewhere, amidst: of('there', false) }
  }

  unserved(): string[] {
    return this.sent.flatMap(({ userId }) => (this.run.knot.pushes(userId).length === 0 ? [userId] : []))
  }
}

/** Pushes that wait for the merchant; none where the product does not say. */
function lineAt(product: ProductProcess): Promise<number> {
  return product.metric('onfile_provision_merchant_waiting', `"${BUSY}"`).catch(() => 0)
}

async function send(run: OnfileRun, ...users: readonly string[]): Promise<void> {
  await run.sendLifecycle(
    ...users.map(userId => ({
      key: userId,
      value: lifecycleEvent({ cardRef: `card-${userId}`, type: 'updated', userId }),
    })),
  )
}

async function untilNext(forMs: number, look: () => void): Promise<void> {
  const untilMs = Date.now() + forMs
  while (Date.now() < untilMs) {
    look()
    await wait(100)
  }
}

/** Resolves when nothing waits for its time any more. */
async function settled(product: ProductProcess, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs
  while ((await product.metric('onfile_timers_waiting').catch(() => 1)) > 0) {
    if (Date.now() > deadline) throw new Error(`not settled within ${withinMs} ms\n${product.lastWords()}`)
    await wait(1_000)
  }
}
