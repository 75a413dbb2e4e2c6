import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { CommittedOffsets } from '../support/onfile/committedOffsets.ts'
import type { Verdict } from '../support/onfile/exactness.ts'
import type { KnotSimulator } from '../../sandbox/knot/knotSimulator.ts'
import { OnfileRun } from '../support/onfile/onfileRun.ts'
import { settleCardholders, soakMerchants } from './faults/cardholders.ts'
import { EventFlow } from './faults/eventFlow.ts'
import { judgeFaults } from './faults/faultsOracle.ts'
import type { FaultsCheck } from './faults/faultsOracle.ts'
import { countsOf } from './faults/figures.ts'
import type { FaultsFigures } from './faults/figures.ts'
import { KilledProduct } from './faults/killedProduct.ts'
import type { KillCount } from './faults/killedProduct.ts'
import { Logins } from './faults/logins.ts'
import { MachineWatch } from './faults/machineWatch.ts'
import { OperatorDesk } from './faults/operatorDesk.ts'
import { OutageWindows } from './faults/outageWindows.ts'
import type { WindowTimes } from './faults/outageWindows.ts'
import { userStory, usersIn } from './faults/userStory.ts'

export interface FaultsOptions {
  readonly brokers: string
  readonly registryUrl: string
  readonly users: number
  readonly merchants: number
  /** Of all pushes, and of all reads, 0 to 1. */
  readonly faults: number
  /** From the moment at which a process is ready to its SIGKILL. */
  readonly killEveryMs: number
  readonly kills: KillCount
  /** Windows in which Knot, or the vault, serves nobody. */
  readonly windows: WindowTimes
  readonly seed: number
  /** Users whose pushes are on their way at the same time. */
  readonly usersAtOnce: number
  /** `policy.resultHard`, in seconds: longer than any backlog of the run, or it is this that ends commands. */
  readonly hardSeconds: number
  /** No further users begin after that. */
  readonly admitForMs: number
  /** From the last record written until nothing waits any more. */
  readonly settleWithinMs: number
  readonly partitions: number
  readonly log: (line: string) => void
}

export interface FaultsResult {
  readonly figures: FaultsFigures
  readonly verdicts: Readonly<Record<FaultsCheck, Verdict>>
  /** Sentences about what does not hold. Empty: the run is as promised. */
  readonly violations: readonly string[]
  /** What happened to the first users that they name. */
  readonly stories: readonly string[]
}

/** Longest delay of an answer or a webhook: longer than the product waits for an answer. */
const MAX_DELAY_MS = 8_000
/** From acceptance to result: a second push within that is refused by Knot, and seen. */
const OPERATION_MS = 1_000
const PROGRESS_MS = 15_000
const GIVE_UP_MS = 20_000
const STORIES = 4
/** `policy.minGap`. */
const MIN_GAP_MS = 2_000

/**
 * The whole product against a Knot that fails in every way it knows, killed all the while; then, when every deadline has
 * passed, the judgement of what came out.
 */
export async function faultsSoak(options: FaultsOptions): Promise<FaultsResult> {
  const { users, faults, seed, hardSeconds, log } = options
  const merchants = soakMerchants(options.merchants)
  const elsewhere = await startElsewhere()
  const run = await OnfileRun.create({
    brokers: options.brokers,
    registryUrl: options.registryUrl,
    partitions: options.partitions,
    knot: { pushMovesLastUserAction: true, webhookDelayMs: OPERATION_MS },
    settings: settings(hardSeconds),
  })
  try {
    const cardholders = settleCardholders(run, users, merchants, seed)
    run.knot.randomFaults({ seed, share: faults, maxDelayMs: MAX_DELAY_MS, redirectTo: elsewhere.url })
    run.knot.randomReadFaults({ seed: seed + 1, share: faults, maxDelayMs: MAX_DELAY_MS })
    const { brokers } = options
    const offsets = await CommittedOffsets.watch(brokers, `${run.id}-provision`, run.topics.provisioningCommands, 200)
    const startedAtMs = Date.now()
    const seconds = (): number => Math.round((Date.now() - startedAtMs) / 1000)
    const product = new KilledProduct(run)
    const desk = new OperatorDesk(run)
    const logins = new Logins(run.knot, seed + 2)
    const windows = new OutageWindows(run, options.windows)
    const machine = new MachineWatch()
    const flow = new EventFlow(run, desk, cardholders, merchants, {
      usersAtOnce: options.usersAtOnce,
      giveUpMs: GIVE_UP_MS,
      backlog: () => product.backlog,
      backlogMost: options.usersAtOnce * merchants.length,
    })
    const progress = setInterval(() => {
      log(`${seconds()} s: ${users - flow.left} users, ${run.knot.pushes().length} pushes, ${product.kills} kills`)
    }, PROGRESS_MS)
    const admitting = setTimeout(() => flow.stopAdmitting(), options.admitForMs)
    try {
      // News that comes before the first start would be decided all at once, and race nothing.
      await product.ready()
      let written = false
      const isWritten = (): boolean => written
      await Promise.all([
        flow.write().finally(() => (written = true)),
        product.killEvery(options.killEveryMs, options.kills, isWritten),
        windows.openAndClose(isWritten),
        logins.watch(isWritten),
      ])
      await product.settled(options.settleWithinMs)
    } finally {
      clearInterval(progress)
      clearTimeout(admitting)
      await offsets.stop()
      machine.stop()
    }
    log(`${seconds()} s: settled; the evidence is read`)
    const evidence = await run.evidence()
    const pushes = run.knot.pushes()
    const pairs = cardholders.flatMap(({ userId }) => merchants.map(id => run.knot.pushesInFlightMax(userId, id)))
    const inFlightMax = pairs.reduce((most, count) => Math.max(most, count), 0)
    const verdicts = judgeFaults(evidence, {
      knotTopic: run.topics.knotEvents,
      pushes,
      inFlightMax,
      offsets,
      redirected: elsewhere.requests(),
      minGapMs: MIN_GAP_MS,
    })
    const exit = await product.stop()
    const figures: FaultsFigures = {
      users: users - flow.left,
      usersAsked: users,
      merchants: merchants.length,
      seed,
      seconds: seconds(),
      kills: product.kills,
      killsWhenReady: product.killsWhenReady,
      orders: desk.given,
      logins: logins.count,
      outages: windows.opened,
      ...countsOf(evidence, pushes, verdicts),
      readFaults: run.knot.readFaults(),
      webhooks: run.knot.webhooks().length,
      inFlightMax,
      residentMaxBytes: product.residentMaxBytes,
      ownResidentMaxBytes: process.resourceUsage().maxRSS * 1024,
      processors: availableParallelism(),
      load: machine.load,
    }
    const violations = [
      ...Object.values(verdicts).flatMap(({ missing, wrong }) => [...wrong, ...missing]),
      ...cardholders.flatMap(({ userId }) => merchants.flatMap(id => overlapAt(run.knot, userId, id))),
      ...(exit === 0 ? [] : [`the last process ended with ${exit} on SIGTERM`]),
    ]
    const stories = usersIn(violations, STORIES).flatMap(userId => userStory(evidence, userId))
    return { figures, verdicts, violations, stories }
  } finally {
    await run.close()
    await elsewhere.stop()
  }
}

/** Deadlines of a test, and limits that let the machine, not a merchant's pace, decide how long it takes. */
function settings(hardSeconds: number): Record<string, string> {
  return {
    ONFILE_KAFKA_GROUP_INSTANCE_ID: 'pod-0',
    ONFILE_ENGINE_COMMIT_INTERVAL: '200ms',
    ONFILE_KNOT_TIMEOUT: '4s',
    ONFILE_KNOT_CONCURRENCY: '48',
    ONFILE_PROVISION_MERCHANT_CONCURRENCY: '32',
    ONFILE_PROVISION_MERCHANT_RATE_PER_SECOND: '1000',
    ONFILE_POLICY_RESULT_SOFT: '10s',
    ONFILE_POLICY_RESULT_HARD: `${hardSeconds}s`,
    ONFILE_POLICY_RECONCILE_DONE: 'enrolled',
    ONFILE_POLICY_MIN_GAP: `${MIN_GAP_MS}ms`,
    // An hour becomes 3.6 s.
    ONFILE_POLICY_RETRY_SCALE: '0.001',
  }
}

/** Another origin, where redirects point to: no request, let alone a card, may come. */
async function startElsewhere(): Promise<{ url: string; requests(): number; stop(): Promise<void> }> {
  let requests = 0
  const server = createServer((_request, response) => {
    requests++
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    requests: () => requests,
    async stop() {
      server.closeAllConnections()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

/** Where several pushes were open at once: all of that place, with what Knot did to them. */
function overlapAt(knot: KnotSimulator, userId: string, merchantId: number): string[] {
  if (knot.pushesInFlightMax(userId, merchantId) <= 1) return []
  const pushes = knot
    .pushes(userId, merchantId)
    .map(
      ({ atMs, answeredAtMs, status, fault }) =>
        `${atMs} to ${answeredAtMs ?? '?'} (${fault ?? status ?? 'no answer'})`,
    )
  return [`${userId}/${merchantId}: several at once among ${pushes.join(', ')}`]
}
