import { timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fastify } from 'fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { accountView } from './accounts.ts'
import { faultName } from './faultPlan.ts'
import type { PushFault } from './faultPlan.ts'
import { KnotRefusal, invalidApiKeys, invalidField } from './knotErrors.ts'
import { pushCard, scriptedEnd } from './pushCard.ts'
import type { PushContext } from './pushCard.ts'
import { drop, loggedEnd, sendEnd } from './pushEnd.ts'
import type { PushEntry } from './pushLog.ts'
import type { ReadFaults } from './readFaults.ts'

/** What the routes need beyond a push: who may call, what is broken at the moment, and the development calls. */
export interface RouteContext extends PushContext {
  readonly clientId: string
  readonly secret: string
  readonly readFaults: ReadFaults
  /** Answered to every request while it is set. */
  outage: { readonly status: number; readonly retryAfter?: number | string } | null
  /** So many of the next requests find their connection closed before their body is read. */
  connectionsToDrop: number
  link(userId: string, merchantId: number, cardId: string | null): void
  disconnect(userId: string, merchantId: number): void
  unlink(userId: string, merchantId: number): void
}

const productTypes = ['card_switcher', 'transaction_link', 'vault']

const sameText = (left: string, right: string): boolean => {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

const authorized = (request: FastifyRequest, { clientId, secret }: RouteContext): boolean => {
  const [scheme = '', credentials = ''] = (request.headers.authorization ?? '').split(' ')
  return (
    scheme.toLowerCase() === 'basic' && sameText(Buffer.from(credentials, 'base64').toString(), `${clientId}:${secret}`)
  )
}

const textParameter = (source: unknown, name: string): string => {
  const value = (source as Record<string, unknown> | null | undefined)?.[name]
  if (typeof value !== 'string' || value === '') throw invalidField(`The ${name} is required.`)
  return value
}

const merchantIn = (source: unknown): number => {
  const value = (source as Record<string, unknown> | null | undefined)?.merchant_id
  const id = typeof value === 'string' && value !== '' ? Number(value) : value
  if (typeof id !== 'number' || !Number.isInteger(id)) throw invalidField('The merchant_id must be an integer.')
  return id
}

/** A server with Knot's authentication and error format, and `POST /card` for the card form of `host`. */
const baseServer = (context: RouteContext, host: 'api' | 'secure'): FastifyInstance => {
  const server = fastify({ forceCloseConnections: true })
  const entries = new WeakMap<FastifyRequest, PushEntry>()
  const drawnFaults = new WeakMap<FastifyRequest, PushFault>()
  const end = (request: FastifyRequest, status: number | null, errorCode: string | null): void => {
    const entry = entries.get(request)
    if (entry) context.log.end(entry, status, errorCode, context.now())
  }

  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, JSON.parse(String(text)) as unknown)
    } catch {
      done(invalidField('The body is not valid JSON.'))
    }
  })
  server.addHook('onRequest', async (request, reply) => {
    if (request.method === 'POST' && request.routeOptions.url === '/card') {
      const entry = context.log.begin(context.now())
      entries.set(request, entry)
      const fault = context.faults.arrive()
      if (fault === 'drop_unread') {
        entry.fault = faultName(fault)
        end(request, null, null)
        drop(request, reply)
        return
      }
      if (fault !== null) drawnFaults.set(request, fault)
    }
    if (context.connectionsToDrop > 0) {
      context.connectionsToDrop -= 1
      end(request, null, null)
      drop(request, reply)
      return
    }
    if (context.outage) {
      const { status, retryAfter } = context.outage
      if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
      throw new KnotRefusal(status, 'INVALID_REQUEST', 'UNKNOWN', 'The service is not available.')
    }
    if (!authorized(request, context)) throw invalidApiKeys()
  })
  server.setErrorHandler((error, request, reply) => {
    const refusal = error instanceof KnotRefusal ? error : invalidField('The request cannot be read.')
    end(request, refusal.status, refusal.body.error_code)
    return reply.code(refusal.status).send(refusal.body)
  })
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ message: 'Not Found' }))
  server.post('/card', async (request, reply) => {
    const entry = entries.get(request) ?? context.log.begin(context.now())
    // Nobody waits any more for what is held: then the push is open no longer, and its caller may well send the next one.
    const { socket } = request.raw
    const gone = () => end(request, null, null)
    socket.once('close', gone)
    try {
      const ended = await pushCard(context, host, request.body, entry, drawnFaults.get(request) ?? null)
      const { status, errorCode } = loggedEnd(ended)
      end(request, status, errorCode)
      return await sendEnd(request, reply, ended)
    } finally {
      // The connection outlives the request, and must not keep its card.
      socket.off('close', gone)
    }
  })
  return server
}

/** The secure host: plain cards, nothing else. */
export const secureServer = (context: RouteContext): FastifyInstance => baseServer(context, 'secure')

/** The API host: accounts, the key, encrypted cards, and Knot's calls for development. */
export const apiServer = (context: RouteContext): FastifyInstance => {
  const server = baseServer(context, 'api')
  server.addHook('preHandler', async (request, reply) => {
    const http = request.method === 'GET' ? context.readFaults.draw() : null
    if (http === null) return undefined
    if (http.kind === 'hold') await sleep(http.holdMs, undefined, { signal: context.stopping }).catch(() => undefined)
    const scripted = scriptedEnd(http)
    return scripted === undefined ? undefined : sendEnd(request, reply, scripted.end)
  })
  server.get('/accounts/get', (request, reply) => {
    const query = request.query as Record<string, unknown>
    const userId = textParameter(query, 'external_user_id')
    const { type, merchant_id: merchantId } = query
    if (type !== undefined && !productTypes.some(known => known === type)) {
      throw invalidField('The selected type is invalid.')
    }
    if (merchantId === undefined) return reply.send(context.accounts.of(userId).map(accountView))
    return reply.send(accountView(context.accounts.get(userId, merchantIn(query))))
  })
  server.get('/jwe/key', (_request, reply) => reply.send(context.keys.publicJwk))
  server.post('/accounts/unlink', (request, reply) => {
    context.unlink(textParameter(request.body, 'external_user_id'), merchantIn(request.body))
    return reply.send({ message: 'Success' })
  })
  server.post('/development/accounts/link', (request, reply) => {
    const userId = textParameter(request.body, 'external_user_id')
    const { card_id: cardId } = request.body as { card_id?: unknown }
    context.link(userId, merchantIn(request.body), typeof cardId === 'string' ? cardId : null)
    return reply.send({ message: 'Success' })
  })
  server.post('/development/accounts/disconnect', (request, reply) => {
    context.disconnect(textParameter(request.body, 'external_user_id'), merchantIn(request.body))
    return reply.send({ message: 'Success' })
  })
  return server
}
