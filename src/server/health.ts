import type { RoleStatus, TaskStatus } from '../engine/status.ts'
import { scrub } from '../telemetry/scrub.ts'

/** Why something does not go on, and since when. */
export interface Waiting {
  readonly reason: string
  readonly sinceMs: number
}

/** Another system that failed when it was last called. */
export interface Outage extends Waiting {
  /** As metrics name it: `knot`, `vault`. */
  readonly system: string
}

/** A role as the engine shows it, and whether it holds back what it would send. */
export interface RoleHealth extends RoleStatus {
  /** Set while the role pushes nothing although it runs: Knot or the vault refuse it, an operator stopped it. */
  readonly paused: Waiting | null
  /** Systems that failed when it last called them: it goes on asking, what needs them waits. */
  readonly outages: readonly Outage[]
}

/** Where the probes get their answers from: owned here, implemented by what runs the roles. Calls must be cheap. */
export interface HealthSource {
  /** `ready` once everything needed was found and the roles were started; else `reasons` says what is waited for. */
  startup(): { readonly ready: boolean; readonly reasons: readonly string[] }
  roles(): readonly RoleHealth[]
  /** What an operator should know of the process as a whole. */
  notices?(): readonly string[]
  /** SIGTERM came: what runs is being finished. */
  draining(): boolean
}

export interface LiveAnswer {
  readonly state: 'live' | 'stuck'
  /** Which loops stand still; empty when it is live. */
  readonly reasons: readonly string[]
}

export interface StartupAnswer {
  readonly state: 'starting' | 'started'
  readonly reasons: readonly string[]
}

export interface ReadyAnswer {
  readonly state: 'ready' | 'not_ready'
  /** Why it is not ready; empty when it is. */
  readonly reasons: readonly string[]
  /** What an operator should know although it is ready: paused roles, tasks that wait for another system. */
  readonly notices: readonly string[]
  readonly roles: readonly RoleHealth[]
}

/** A task turns every second whatever it waits for. */
const TASK_STUCK_MS = 5 * 60_000
/** One turn of a membership may wait for a rebalance and for each broker in turn. */
const MEMBER_STUCK_MS = 10 * 60_000

/**
 * Live: the event loop answers, and each loop of the process goes round. A restart mends a loop that stands still, and
 * nothing else: neither Kafka nor another system that is away, nor lag, a restore, a pause or a commit in doubt.
 */
export function liveAnswer(source: HealthSource): LiveAnswer {
  const reasons = source
    .roles()
    .flatMap(({ role, memberTurnAgeMs, tasks }) => [
      ...(memberTurnAgeMs !== null && memberTurnAgeMs > MEMBER_STUCK_MS
        ? [`${role}: its group membership has not turned for ${seconds(memberTurnAgeMs)} s`]
        : []),
      ...tasks.flatMap(({ topic, partition, turnAgeMs }) =>
        turnAgeMs !== null && turnAgeMs > TASK_STUCK_MS
          ? [`${role} ${topic}-${partition}: its loop has not turned for ${seconds(turnAgeMs)} s`]
          : [],
      ),
    ])
  return { state: reasons.length === 0 ? 'live' : 'stuck', reasons }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000)
}

export function startupAnswer(source: HealthSource): StartupAnswer {
  const { ready, reasons } = source.startup()
  return { state: ready ? 'started' : 'starting', reasons: ready ? [] : reasons.map(scrub) }
}

/**
 * Ready: started, not draining, each role in its group with every task running. A role that joins again with tasks that
 * run is ready, since they keep committing while the group rebalances. So is one that waits for another system or is
 * paused: another process could do no better, and a restart would help nobody.
 */
export function readyAnswer(source: HealthSource): ReadyAnswer {
  const roles = source.roles().map(scrubbed)
  const startup = startupAnswer(source)
  const reasons = [
    ...(startup.state === 'started' ? [] : startup.reasons.length > 0 ? startup.reasons : ['starting']),
    ...(source.draining() ? ['draining: the process was told to stop'] : []),
    ...roles.flatMap(notReadyReasons),
  ]
  return {
    state: reasons.length === 0 ? 'ready' : 'not_ready',
    reasons,
    notices: [...(source.notices?.() ?? []).map(scrub), ...roles.flatMap(notices)],
    roles,
  }
}

function notReadyReasons(role: RoleHealth): string[] {
  const own = roleReason(role)
  const tasks = role.tasks.flatMap(task => {
    const reason = taskReason(task)
    return reason === null ? [] : [`${role.role} ${task.topic}-${task.partition}: ${reason}`]
  })
  return own === null ? tasks : [`${role.role}: ${own}`, ...tasks]
}

function roleReason(role: RoleHealth): string | null {
  switch (role.state) {
    case 'stable':
      return null
    case 'joining':
      if (role.tasks.some(task => task.state === 'running')) return null
      return role.waiting === null ? 'joining its group' : `joining its group: ${role.waiting.reason}`
    case 'starting':
      return role.waiting === null ? 'starting' : `waits: ${role.waiting.reason}`
    case 'stopped':
      return 'stopped'
    case 'failed':
      return role.error === null ? 'failed' : `failed (${role.error.code}): ${role.error.message}`
  }
}

function taskReason(task: TaskStatus): string | null {
  switch (task.state) {
    case 'running':
      // Its local store is still being closed: on a volume that hangs, for ever.
      return task.error === null ? null : `ending (${task.error.code}): ${task.error.message}`
    // Both are on their way to another process: what it takes over, it shows.
    case 'draining':
    case 'closed':
      return null
    case 'restoring':
      return `restoring, ${task.restoreRemaining} records to go`
    case 'assigned':
    case 'locking':
    case 'fenced':
      return task.state
    case 'failed':
      return task.error === null ? 'failed' : `failed (${task.error.code}): ${task.error.message}`
  }
}

/** One line for all partitions that a pause holds: an operator may have paused a hundred at once. */
function pauseNotices({ role, tasks }: RoleHealth): string[] {
  const paused = tasks.flatMap(({ topic, partition, paused }) =>
    paused === null ? [] : [{ topic, partition, paused }],
  )
  const byPause = Map.groupBy(paused, ({ topic, paused }) => JSON.stringify([topic, paused]))
  return [...byPause.values()].map(held => {
    const { topic, paused } = held[0]!
    const partitions = held.map(({ partition }) => partition).sort((a, b) => a - b)
    const until = new Date(paused.untilMs).toISOString()
    return `${role} ${topic}-${partitions.join(',')}: paused by an operator since ${at(paused)} until ${until}: ${paused.reason}`
  })
}

function notices(role: RoleHealth): string[] {
  const paused = role.paused === null ? [] : [`${role.role}: paused since ${at(role.paused)}: ${role.paused.reason}`]
  const waiting = role.tasks.flatMap(({ topic, partition, waiting }) =>
    waiting === null ? [] : [`${role.role} ${topic}-${partition}: waits since ${at(waiting)}: ${waiting.reason}`],
  )
  const outages = role.outages.map(outage => `${role.role}: waits since ${at(outage)}: ${outage.reason}`)
  return [...paused, ...membershipNotices(role), ...pauseNotices(role), ...outages, ...waiting]
}

/** The tasks go on; without an end to it the group gives their partitions to others. */
function membershipNotices(role: RoleHealth): string[] {
  if (role.waiting === null || roleReason(role) !== null) return []
  return [`${role.role}: its group does not hear of it since ${at(role.waiting)}: ${role.waiting.reason}`]
}

function at({ sinceMs }: Waiting): string {
  return new Date(sinceMs).toISOString()
}

/** Reasons and messages come from errors of other systems' clients: none may carry a secret to whoever asks. */
function scrubbed(role: RoleHealth): RoleHealth {
  return {
    ...role,
    paused: scrubbedWaiting(role.paused),
    outages: role.outages.map(outage => ({ ...outage, reason: scrub(outage.reason) })),
    waiting: scrubbedWaiting(role.waiting),
    error: scrubbedError(role.error),
    tasks: role.tasks.map(task => ({
      ...task,
      waiting: scrubbedWaiting(task.waiting),
      paused: scrubbedWaiting(task.paused),
      error: scrubbedError(task.error),
    })),
  }
}

function scrubbedWaiting<T extends Waiting>(waiting: T | null): T | null {
  return waiting === null ? null : { ...waiting, reason: scrub(waiting.reason) }
}

function scrubbedError(error: TaskStatus['error']): TaskStatus['error'] {
  return error === null ? null : { ...error, message: scrub(error.message) }
}
