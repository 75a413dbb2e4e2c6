import { fastify } from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { MetricsPage } from '../telemetry/metrics.ts'
import type { AdminCalls } from './adminCalls.ts'
import { adminRoutes } from './adminRoutes.ts'
import { liveAnswer, readyAnswer, startupAnswer } from './health.ts'
import type { HealthSource } from './health.ts'
import { limitPeers } from './peerLimit.ts'
import { SharedPage } from './sharedPage.ts'

export interface AdminServerOptions {
  /** `admin.host`: loopback unless told. */
  readonly host: string
  /** `admin.port`: 0 takes a free one. */
  readonly port: number
  readonly health: HealthSource
  readonly metrics: () => Promise<MetricsPage>
  readonly calls: AdminCalls
  /** `/livez` said which loops stand still: a restart is near, and only the log keeps the reason. */
  readonly onStuck?: (reasons: readonly string[]) => void
}

/**
 * What a client may take of the process that has other things to do. Headers must come within 5 s and a whole request
 * within 10 s, an answer that is not read and a connection without a request end too, no number of connections can take
 * the sockets that Kafka needs, and no one address can have them all. A scraper that comes every minute opens a new connection each time, which is cheap.
 */
const LIMITS = {
  headersMs: 5_000,
  requestMs: 10_000,
  idleMs: 15_000,
  checkEveryMs: 1_000,
  connections: 1_000,
  ofOneAddress: 350,
} as const
/** A user id has up to 255 bytes, each may be written as `%xx`. */
const MAX_ID_CHARS = 3 * 255

/** The admin server cannot listen on its address. */
export class AdminAddressError extends Error {
  override readonly name = 'AdminAddressError'
  readonly code = 'ADMIN_ADDRESS_UNUSABLE'

  constructor(host: string, port: number, cause: unknown) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    super(
      `The admin server cannot listen on ${host}:${port} (${why}): set admin.host and admin.port to a free address`,
      {
        cause,
      },
    )
  }
}

/**
 * Probes and metrics over HTTP: `/livez`, `/startupz`, `/readyz`, `/metrics`. Probes answer 200 or 503 with JSON. What
 * changes or reveals something is under `/admin` (`adminRoutes`).
 *
 * `/livez` says that the loops of this process turn (`liveAnswer`): a restart repairs neither Kafka nor lag, so neither is
 * asked.
 */
export class AdminServer {
  /** Where it listens, with the real port. */
  readonly url: string
  private readonly app: FastifyInstance

  private constructor(app: FastifyInstance, url: string) {
    this.app = app
    this.url = url
  }

  /** @throws AdminAddressError */
  static async start(options: AdminServerOptions): Promise<AdminServer> {
    const app = fastify({
      logger: false,
      // An open keep-alive connection of a scraper must not hold up the shutdown.
      forceCloseConnections: true,
      bodyLimit: 16_384,
      routerOptions: { maxParamLength: MAX_ID_CHARS },
      requestTimeout: LIMITS.requestMs,
      connectionTimeout: LIMITS.idleMs,
      keepAliveTimeout: LIMITS.idleMs,
      http: { headersTimeout: LIMITS.headersMs, connectionsCheckingInterval: LIMITS.checkEveryMs },
    })
    limitPeers(app.server, LIMITS)
    const metrics = new SharedPage(options.metrics)
    app.get('/livez', (_request, reply) => {
      const answer = liveAnswer(options.health)
      if (answer.state === 'stuck') options.onStuck?.(answer.reasons)
      return reply.code(answer.state === 'live' ? 200 : 503).send(answer)
    })
    app.get('/startupz', (_request, reply) => {
      const answer = startupAnswer(options.health)
      return reply.code(answer.state === 'started' ? 200 : 503).send(answer)
    })
    app.get('/readyz', (_request, reply) => {
      const answer = readyAnswer(options.health)
      return reply.code(answer.state === 'ready' ? 200 : 503).send(answer)
    })
    app.get('/metrics', async (_request, reply) => {
      const page = await metrics.get()
      return reply.header('content-type', page.contentType).send(page.body)
    })
    app.register(
      (admin, _options, done) => {
        adminRoutes(admin, options.calls)
        done()
      },
      { prefix: '/admin' },
    )
    app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found' }))
    app.setErrorHandler((_error, _request, reply) => reply.code(500).send({ error: 'internal error, see the log' }))
    try {
      return new AdminServer(app, await app.listen({ host: options.host, port: options.port }))
    } catch (error) {
      await app.close()
      throw new AdminAddressError(options.host, options.port, error)
    }
  }

  async stop(): Promise<void> {
    await this.app.close()
  }
}
