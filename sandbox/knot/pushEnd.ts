import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KnotErrorBody } from './knotErrors.ts'

/** How a push's exchange ends: an answer, a closed connection, or an answer that breaks off in its body. */
export type PushEnd =
  | {
      readonly status: number
      /** A text goes out as it is. */
      readonly body: KnotErrorBody | { readonly message: 'Success' } | string
      readonly retryAfter?: number | string
      readonly headers?: Readonly<Record<string, string>>
    }
  | 'drop'
  | 'cut'

/** Closes the connection without another byte. */
export const drop = (request: FastifyRequest, reply: FastifyReply): void => {
  reply.hijack()
  request.raw.socket.destroy()
}

/** Status and half of a body on the wire, then the connection closes. */
const cut = (request: FastifyRequest, reply: FastifyReply): void => {
  const text = JSON.stringify({ message: 'Success' })
  reply.hijack()
  reply.raw.writeHead(200, { 'content-type': 'application/json', 'content-length': String(text.length) })
  reply.raw.write(text.slice(0, text.length / 2), () => request.raw.socket.destroy())
}

/** Ends the exchange as told. */
export const sendEnd = (request: FastifyRequest, reply: FastifyReply, end: PushEnd): FastifyReply => {
  if (end === 'drop' || end === 'cut') {
    if (end === 'drop') drop(request, reply)
    else cut(request, reply)
    return reply
  }
  if (end.retryAfter !== undefined) reply.header('retry-after', String(end.retryAfter))
  reply.headers(end.headers ?? {})
  if (typeof end.body === 'string') reply.type(end.headers?.['content-type'] ?? 'application/json')
  return reply.code(end.status).send(end.body)
}

/** What the log keeps of the end: the status that was answered in full, and Knot's code in it. */
export const loggedEnd = (end: PushEnd): { readonly status: number | null; readonly errorCode: string | null } => {
  if (end === 'drop' || end === 'cut') return { status: null, errorCode: null }
  const { status, body } = end
  return { status, errorCode: typeof body === 'object' && 'error_code' in body ? body.error_code : null }
}
