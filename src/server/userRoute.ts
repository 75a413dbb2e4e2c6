import type { FastifyInstance } from 'fastify'
import type { AdminCalls, Owner } from './adminCalls.ts'
import { AdminCallError, wrongRequest } from './adminErrors.ts'
import { readRequest, userRequest } from './adminRequests.ts'
import { notStarted } from './pauseRoutes.ts'

/**
 * What DECIDE holds of a user, from the instance that has the partition. `actor` and `reason` are query parameters: who
 * looked at whom, and why, is in the log.
 */
export function userRoute(app: FastifyInstance, calls: AdminCalls): void {
  app.get<{ Params: { id: string } }>('/users/:id', async (request, reply) => {
    const { actor, reason } = readRequest(userRequest, request.query)
    const { id } = request.params
    const answer = await calls.user(id)
    if (answer === null) throw notStarted()
    if (answer.kind === 'unusable') throw wrongRequest([answer.problem])
    const { kind, partition } = answer
    calls.log.warn({ admin: 'user', userId: id, partition, answer: kind, actor, reason }, 'an operator looks at a user')
    switch (kind) {
      case 'known':
      case 'forgotten':
        return reply.send({ user_id: id, partition, kind, ...answer.state })
      case 'unknown':
        throw new AdminCallError({ status: 404, code: 'USER_UNKNOWN', error: 'DECIDE has heard nothing of this user.' })
      case 'not_ready':
        throw new AdminCallError({
          status: 503,
          code: 'STATE_NOT_READY',
          error: `The state of partition ${partition} is not complete here: ${answer.reason}.`,
          retryAfterMs: 2_000,
        })
      case 'elsewhere': {
        const { owner } = answer
        const body = { code: 'USER_ELSEWHERE', error: elsewhere(partition, owner), partition, owner }
        const adminUrl = owner?.adminUrl ?? null
        if (adminUrl === null) return reply.code(421).send(body)
        const query = new URLSearchParams({ actor, reason })
        const target = `${adminUrl.replace(/\/$/, '')}/admin/users/${encodeURIComponent(id)}?${query.toString()}`
        return reply.code(307).header('location', target).send(body)
      }
    }
  })
}

function elsewhere(partition: number, owner: Owner | null): string {
  if (owner === null) return `Another instance has partition ${partition} of DECIDE, or none does: ask the others.`
  const name = owner.instanceId ?? owner.memberId
  return `Partition ${partition} of DECIDE is with ${name} at ${owner.host}: ask that instance.`
}
