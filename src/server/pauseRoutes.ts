import type { FastifyInstance } from 'fastify'
import type { Pause, Pauses, PauseScope } from '../engine/pauses.ts'
import type { AdminCalls } from './adminCalls.ts'
import { AdminCallError } from './adminErrors.ts'
import { pauseRequest, readRequest, resumeRequest } from './adminRequests.ts'

/** Pause and resume of roles, topics and partitions of this instance. */
export function pauseRoutes(app: FastifyInstance, calls: AdminCalls): void {
  app.post('/pause', (request, reply) => {
    const { role, actor, reason, for: forMs, ...given } = readRequest(pauseRequest, request.body)
    const pauses = pausesOf(calls, role)
    const scope = completed(given, pauses)
    const pause = pauses.pause({ ...scope, actor, reason, forMs })
    const { until } = shown(pause)
    calls.log.warn({ admin: 'pause', role, ...scope, actor, reason, until }, 'an operator pauses')
    return reply.send({ role, ...shown(pause), pausedHere: pauses.pausedHere() })
  })
  app.post('/resume', (request, reply) => {
    const { role, actor, reason, ...given } = readRequest(resumeRequest, request.body)
    const pauses = pausesOf(calls, role)
    const scope = completed(given, pauses)
    const ended = pauses.resume(scope)
    calls.log.warn({ admin: 'resume', role, ...scope, actor, reason, ended: ended.length }, 'an operator resumes')
    return reply.send({ role, ended: ended.map(shown), pausedHere: pauses.pausedHere() })
  })
  app.get('/pauses', (_request, reply) => {
    const roles = [...calls.pauses()].map(([role, pauses]) => ({
      role,
      pauses: pauses.standing().map(shown),
      pausedHere: pauses.pausedHere(),
    }))
    return reply.send({ roles })
  })
}

function pausesOf(calls: AdminCalls, role: string): Pauses {
  const all = calls.pauses()
  if (all.size === 0) throw notStarted()
  const pauses = all.get(role)
  if (pauses !== undefined) return pauses
  const error = `That role does not run on this instance: it runs ${[...all.keys()].join(', ')}.`
  throw new AdminCallError({ status: 404, code: 'ROLE_NOT_HERE', error })
}

/** Before the roles were started nothing can be asked of them. */
export function notStarted(): AdminCallError {
  const error = 'The roles were not started yet: /startupz says what is waited for.'
  return new AdminCallError({ status: 503, code: 'NOT_STARTED', error, retryAfterMs: 5_000 })
}

/** Where a role reads one topic only, a partition need not name it. */
function completed({ topic, partition }: PauseScope, { inputs }: Pauses): PauseScope {
  const [only, more] = inputs
  if (topic !== null || partition === null || only === undefined || more !== undefined) return { topic, partition }
  return { topic: only, partition }
}

function shown({ topic, partition, reason, actor, sinceMs, untilMs }: Pause) {
  const [since, until] = [sinceMs, untilMs].map(ms => new Date(ms).toISOString())
  return { topic, partition, reason, actor, since, until }
}
