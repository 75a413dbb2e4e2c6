import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { Pool } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { exchange } from '../../../src/knot/exchange.ts'
import type { Exchange, ExchangeRequest } from '../../../src/knot/exchange.ts'
import { httpAnswer, onRequest, rawServer } from './rawServer.ts'
import type { RawServer } from './rawServer.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function serve(onConnection: (socket: Socket, server: RawServer) => void): Promise<RawServer> {
  const server = await rawServer(onConnection)
  cleanUps.push(() => server.close())
  return server
}

function open(url: string, connections = 4): Pool {
  const pool = new Pool(url, { connections, pipelining: 1, allowH2: false, connectTimeout: 500 })
  cleanUps.push(() => pool.destroy())
  return pool
}

function post(pool: Pool, more: Partial<ExchangeRequest> = {}): Promise<Exchange> {
  return exchange(pool, {
    method: 'POST',
    path: '/card',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from('{"probe":"BODY"}'),
    timeoutMs: 1_000,
    maxBodyBytes: 1_000,
    now: Date.now,
    ...more,
  })
}

async function unusedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('before the wire: not sent', () => {
  it('a refused connection is not sent, and the last check is never asked', async () => {
    let asked = 0
    const end = await post(open(`http://127.0.0.1:${await unusedPort()}`), { lastCheck: () => (asked++, true) })
    expect(end).toEqual({ kind: 'not_sent', why: 'connect' })
    expect(asked).toBe(0)
  })

  it('a host that no name server knows is not sent to', async () => {
    let asked = 0
    // Time enough for a resolver that takes its time to say no: the connection gives up before.
    const more = { timeoutMs: 15_000, lastCheck: () => (asked++, true) }
    expect(await post(open('https://no-such-host.invalid'), more)).toEqual({ kind: 'not_sent', why: 'connect' })
    expect(asked).toBe(0)
  })

  it('a TLS handshake that fails is not sent', async () => {
    const server = await serve(socket => socket.end('no TLS here\r\n'))
    const end = await post(open(`https://127.0.0.1:${server.port}`))
    expect(end).toEqual({ kind: 'not_sent', why: 'connect' })
    expect(server.received).not.toContain('BODY')
  })

  it('a veto writes nothing although the connection is up, and leaves the connection usable', async () => {
    const server = await serve(socket => onRequest(socket, () => socket.write(httpAnswer(200, {}))))
    const pool = open(server.url, 1)
    const end = await post(pool, { lastCheck: () => false })
    expect(end).toEqual({ kind: 'not_sent', why: 'vetoed' })
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(server.connections).toBe(1)
    expect(server.received).toBe('')

    expect(await post(pool)).toMatchObject({ kind: 'answer', status: 200 })
    expect(server.connections).toBe(1)
  })

  it('the last check runs once, after the wait in the pool, in the same run as the write', async () => {
    let release: () => void = () => undefined
    const server = await serve(socket =>
      onRequest(socket, request => {
        const answer = () => socket.write(httpAnswer(200, { saw: request.slice(0, 20) }))
        if (request.includes('FIRST')) release = answer
        else answer()
      }),
    )
    const pool = open(server.url, 1)
    const first = post(pool, { body: Buffer.from('FIRST') })
    let askedAt = 0
    const second = post(pool, { lastCheck: () => ((askedAt = server.received.length), true) })
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(askedAt).toBe(0)
    const before = server.received.length
    release()
    expect(await first).toMatchObject({ kind: 'answer', status: 200 })
    expect(await second).toMatchObject({ kind: 'answer', status: 200 })
    expect(askedAt).toBe(before)
  })

  it('a veto in the pool after a wait sends nothing', async () => {
    let cancelled = false
    let release: () => void = () => undefined
    const server = await serve(socket => onRequest(socket, () => (release = () => socket.write(httpAnswer(200, {})))))
    const pool = open(server.url, 1)
    const first = post(pool, { body: Buffer.from('FIRST') })
    const second = post(pool, { lastCheck: () => !cancelled })
    await new Promise(resolve => setTimeout(resolve, 50))
    cancelled = true
    release()
    await first
    expect(await second).toEqual({ kind: 'not_sent', why: 'vetoed' })
    expect(server.received).not.toContain('BODY')
  })

  it('what waits for a connection for too long is not sent, not even when the connection comes later', async () => {
    let release: () => void = () => undefined
    const server = await serve(socket => onRequest(socket, () => (release = () => socket.write(httpAnswer(200, {})))))
    const pool = open(server.url, 1)
    const first = post(pool, { body: Buffer.from('FIRST') })
    const second = await post(pool, { timeoutMs: 100 })
    expect(second).toEqual({ kind: 'not_sent', why: 'timeout' })
    release()
    expect(await first).toMatchObject({ kind: 'answer' })
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(server.received).not.toContain('BODY')
  })
})

describe('on the wire: lost', () => {
  const cases: [name: string, behaviour: (socket: Socket) => void, why: string][] = [
    [
      'reset as soon as a byte arrives',
      socket => socket.once('data', () => socket.resetAndDestroy()),
      'connection_lost',
    ],
    ['reset after the whole request', socket => onRequest(socket, () => socket.resetAndDestroy()), 'connection_lost'],
    ['closed after the whole request', socket => onRequest(socket, () => socket.end()), 'connection_lost'],
    [
      'closed in the middle of the head',
      socket => onRequest(socket, () => socket.end('HTTP/1.1 200 O')),
      'connection_lost',
    ],
    ['an answer that is no HTTP', socket => onRequest(socket, () => socket.end('hello\r\n\r\n')), 'connection_lost'],
    ['silence', () => undefined, 'timeout'],
  ]
  it.each(cases)('%s', async (_, behaviour, why) => {
    const server = await serve(behaviour)
    const end = await post(open(server.url), { timeoutMs: 300 })
    expect(end).toMatchObject({ kind: 'lost', why })
    expect(server.received).toContain('POST /card')
    expect(server.connections).toBe(1)
  })

  it('is not sent again on another connection', async () => {
    const server = await serve(socket => onRequest(socket, () => socket.resetAndDestroy()))
    await post(open(server.url))
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(server.received.match(/BODY/g)).toHaveLength(1)
  })
})

describe('answers', () => {
  it('an informational answer before the real one is passed over', async () => {
    const server = await serve(socket =>
      onRequest(socket, () =>
        socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${httpAnswer(200, { message: 'Success' })}`),
      ),
    )
    expect(await post(open(server.url))).toMatchObject({
      kind: 'answer',
      status: 200,
      body: { message: 'Success' },
      complete: true,
    })
  })

  it('the status counts when the rest of the answer is lost', async () => {
    const server = await serve(socket =>
      onRequest(socket, () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"mess')),
    )
    expect(await post(open(server.url))).toMatchObject({ kind: 'answer', status: 200, body: null, complete: false })
  })

  it('the status counts when the rest of the answer does not come', async () => {
    const server = await serve(socket =>
      onRequest(socket, () => socket.write('HTTP/1.1 400 x\r\ncontent-length: 100\r\n\r\n{"err')),
    )
    const end = await post(open(server.url), { timeoutMs: 200 })
    expect(end).toMatchObject({ kind: 'answer', status: 400, body: null, complete: false })
  })

  it('an answer without end is cut', async () => {
    const server = await serve(socket =>
      onRequest(socket, () => socket.write(`HTTP/1.1 400 x\r\ncontent-length: 999999\r\n\r\n${'x'.repeat(60_000)}`)),
    )
    expect(await post(open(server.url))).toMatchObject({ kind: 'answer', status: 400, body: null, complete: false })
  })

  it('a redirect is an answer and is not followed', async () => {
    const target = await serve(socket => onRequest(socket, () => socket.write(httpAnswer(200, {}))))
    const server = await serve(socket =>
      onRequest(socket, () => socket.write(httpAnswer(307, {}, `location: ${target.url}/card\r\n`))),
    )
    expect(await post(open(server.url))).toMatchObject({ kind: 'answer', status: 307 })
    expect(target.connections).toBe(0)
  })

  it('a body that is no JSON reads as null', async () => {
    const server = await serve(socket =>
      onRequest(socket, () => socket.write('HTTP/1.1 502 x\r\ncontent-length: 6\r\n\r\n<html>')),
    )
    expect(await post(open(server.url))).toMatchObject({ kind: 'answer', status: 502, body: null, complete: true })
  })
})
