import type { FastifyInstance, FastifyReply } from 'fastify'
import { PauseScopeError } from '../engine/pauses.ts'
import { AdminAccess } from './adminAccess.ts'
import type { AdminCalls } from './adminCalls.ts'
import { AdminCallError } from './adminErrors.ts'
import type { Refusal } from './adminErrors.ts'
import { levelRequest, readRequest } from './adminRequests.ts'
import { pauseRoutes } from './pauseRoutes.ts'
import { userRoute } from './userRoute.ts'

/** Everything under `/admin`: for holders of `admin.token`, never kept by a cache, refused with JSON that says why. */
export function adminRoutes(app: FastifyInstance, calls: AdminCalls): void {
  const access = new AdminAccess(calls)
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('cache-control', 'no-store')
    const refusal = access.refusal(request.headers.authorization, request.ip)
    if (refusal === null) done()
    else refuse(reply, refusal)
  })
  app.setNotFoundHandler((_request, reply) => refuse(reply, NO_SUCH_CALL))
  app.setErrorHandler((error, _request, reply) => {
    const refusal = refusalOf(error)
    if (refusal === INTERNAL) calls.log.error({ err: error }, 'an admin call failed')
    return refuse(reply, refusal)
  })
  pauseRoutes(app, calls)
  userRoute(app, calls)
  app.get('/log-level', (_request, reply) => reply.send(levelAnswer(calls)))
  app.put('/log-level', (request, reply) => {
    const { level, actor, reason, for: forMs } = readRequest(levelRequest, request.body)
    const before = calls.logLevel.get().level
    calls.logLevel.set(level, forMs)
    // At the level that stands now: a quieter one would swallow it.
    const log = calls.log.isLevelEnabled('warn') ? 'warn' : 'fatal'
    calls.log[log]({ admin: 'log-level', actor, reason, before, level }, 'an operator changes the level of the log')
    return reply.send(levelAnswer(calls))
  })
}

function levelAnswer({ logLevel }: AdminCalls): object {
  const { level, configured, untilMs } = logLevel.get()
  return { level, configured, until: untilMs === null ? null : new Date(untilMs).toISOString() }
}

function refuse(reply: FastifyReply, { status, retryAfterMs, ...body }: Refusal): FastifyReply {
  if (status === 401) void reply.header('www-authenticate', 'Bearer')
  if (retryAfterMs !== undefined) void reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1_000))))
  return reply.code(status).send(body)
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof AdminCallError) return error.refusal
  if (error instanceof PauseScopeError) {
    return { status: error.code === 'PAUSED_BY_MORE' ? 409 : 404, code: error.code, error: error.message }
  }
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  switch (status) {
    case 413:
      return { status, code: 'REQUEST_TOO_LARGE', error: 'Nothing was changed: the body is too large.' }
    case 415:
      return { status, code: 'REQUEST_WRONG', error: 'Nothing was changed: send JSON, content-type application/json.' }
    default:
      if (typeof status === 'number' && status >= 400 && status < 500) return NO_JSON
      return INTERNAL
  }
}

const NO_SUCH_CALL: Refusal = { status: 404, code: 'NO_SUCH_CALL', error: 'There is no such admin call.' }
const NO_JSON: Refusal = {
  status: 400,
  code: 'REQUEST_WRONG',
  error: 'Nothing was changed: the request is wrong.',
  problems: ['the body must be one JSON object'],
}
const INTERNAL: Refusal = { status: 500, code: 'INTERNAL', error: 'It failed; the log of this instance says why.' }
