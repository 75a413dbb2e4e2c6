import { once } from 'node:events'
import { connect } from 'node:net'
import { request } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AdminServer } from '../../../src/server/adminServer.ts'
import type { Owner } from '../../../src/server/adminCalls.ts'
import { fakeCalls, TOKEN } from './fakeCalls.ts'
import type { FakeCalls } from './fakeCalls.ts'

let server: AdminServer
let calls: FakeCalls
beforeEach(async () => {
  calls = fakeCalls()
  server = await AdminServer.start({
    host: '127.0.0.1',
    port: 0,
    health: { startup: () => ({ ready: true, reasons: [] }), roles: () => [], draining: () => false },
    metrics: () => Promise.resolve({ contentType: 'text/plain', body: '' }),
    calls,
  })
})
afterEach(async () => {
  calls.logLevel.close()
  for (const pauses of calls.pauses().values()) pauses.close()
  await server.stop()
})

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT'
  readonly token?: string | null
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

async function call(path: string, { method = 'GET', token = TOKEN, body, headers = {} }: Call = {}) {
  const answer = await request(`${server.url}/admin${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.body.text()
  return { status: answer.statusCode, headers: answer.headers, text, json: JSON.parse(text) as Record<string, unknown> }
}

const post = (path: string, body: unknown) => call(path, { method: 'POST', body })
const who = { actor: 'jo', reason: 'INC-7' }
const LOOK = '?actor=jo&reason=INC-7'

describe('an admin call', () => {
  test.each([
    ['GET', '/pauses'],
    ['POST', '/pause'],
    ['POST', '/resume'],
    ['GET', `/users/ada${LOOK}`],
    ['GET', '/log-level'],
    ['PUT', '/log-level'],
    ['GET', '/no-such-call'],
  ] as const)('%s %s is for holders of the token', async (method, path) => {
    const body = method === 'GET' ? undefined : { role: 'decide', level: 'debug', ...who }
    const without = await call(path, { method, body, token: null })
    expect(without).toMatchObject({ status: 401, json: { code: 'TOKEN_MISSING' } })
    expect(without.headers).toMatchObject({ 'www-authenticate': 'Bearer', 'cache-control': 'no-store' })
    expect(without.text).toContain('Authorization: Bearer')
    const wrong = await call(path, { method, body, token: `${TOKEN}x` })
    expect(wrong).toMatchObject({ status: 401, json: { code: 'TOKEN_WRONG' } })
    calls.given.token = null
    const off = await call(path, { method, body })
    expect(off).toMatchObject({ status: 403, json: { code: 'ADMIN_TOKEN_NOT_SET' } })
    expect(off.text).toContain('admin.tokenFile')
    expect(calls.asked).toEqual([])
    expect(calls.logLevel.get().level).toBe('info')
    expect([...calls.pauses().values()].flatMap(pauses => pauses.standing())).toEqual([])
  })

  test('takes the token in no other way', async () => {
    for (const authorization of [TOKEN, `Basic ${TOKEN}`, `Bearer ${TOKEN} ${TOKEN}`, 'Bearer ']) {
      expect((await call('/pauses', { token: null, headers: { authorization } })).status).toBe(401)
    }
    expect((await call(`/pauses?token=${TOKEN}`, { token: null })).status).toBe(401)
    expect((await call('/pauses', { token: null, headers: { authorization: `bearer ${TOKEN}` } })).status).toBe(200)
  })

  test('leaves the open pages as they are', async () => {
    calls.given.token = null
    for (const page of ['livez', 'readyz', 'startupz', 'metrics']) {
      const { statusCode, body } = await request(`${server.url}/${page}`)
      await body.dump()
      expect(statusCode).toBe(200)
    }
  })

  test('after several wrong tokens is not even compared, and the log does not grow with them', async () => {
    for (let i = 0; i < 5; i++) expect((await call('/pauses', { token: 'guess' })).status).toBe(401)
    const refused = await call('/pauses')
    expect(refused).toMatchObject({ status: 429, json: { code: 'TOO_MANY_WRONG_TOKENS' } })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    for (let i = 0; i < 20; i++) expect((await call('/pauses', { token: 'guess' })).status).toBe(429)
    expect(calls.lines.filter(({ msg }) => String(msg).includes('wrong token'))).toHaveLength(5)
  })

  test('that comes too often waits as long as it is told', async () => {
    let last = await call('/pauses')
    for (let i = 0; i < 200 && last.status === 200; i++) last = await call('/pauses')
    expect(last).toMatchObject({ status: 429, json: { code: 'TOO_MANY_CALLS' } })
    expect(last.headers['retry-after']).toBe('1')
    await expect.poll(async () => (await call('/pauses')).status, { timeout: 10_000, interval: 250 }).toBe(200)
  })

  test('with a body that is no JSON object says so and changes nothing', async () => {
    const bodies: [body: string, contentType: string, status: number, words: string][] = [
      ['{"role":', 'application/json', 400, 'one JSON object'],
      ['[]', 'application/json', 400, 'one JSON object'],
      ['null', 'application/json', 400, 'role'],
      ['', 'application/json', 400, 'one JSON object'],
      ['role=decide', 'application/x-www-form-urlencoded', 415, 'application/json'],
      [JSON.stringify({ ...who, role: 'x'.repeat(20_000) }), 'application/json', 413, 'too large'],
    ]
    for (const [body, contentType, status, words] of bodies) {
      const answer = await call('/pause', { method: 'POST', body, headers: { 'content-type': contentType } })
      expect([body.slice(0, 20), answer.status]).toEqual([body.slice(0, 20), status])
      expect(answer.text).toContain(words)
    }
  })

  test('that is sent slowly is cut off, with the token too', { timeout: 40_000 }, async () => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined).resume()
    socket.write(`POST /admin/pause HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n`)
    socket.write('content-type: application/json\r\ncontent-length: 100\r\n\r\n{')
    const startedMs = performance.now()
    await once(socket, 'close')
    expect(performance.now() - startedMs).toBeLessThan(30_000)
  })
})

describe('POST /admin/pause', () => {
  test('pauses a partition for as long as is said, and says who, why and what', async () => {
    const answer = await post('/pause', { role: 'decide', topic: 'events', partition: 2, for: '30m', ...who })
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({
      role: 'decide',
      topic: 'events',
      partition: 2,
      actor: 'jo',
      reason: 'INC-7',
      since: expect.stringMatching(/Z$/) as string,
      until: expect.stringMatching(/Z$/) as string,
      pausedHere: [{ topic: 'events', partition: 2 }],
    })
    const { since, until } = answer.json as { since: string; until: string }
    expect(Date.parse(until) - Date.parse(since)).toBe(30 * 60_000)
    expect(calls.lines).toMatchObject([
      { level: 'warn', admin: 'pause', role: 'decide', topic: 'events', partition: 2, ...who, until },
    ])
    expect((await call('/pauses')).json).toMatchObject({
      roles: [
        { role: 'decide', pauses: [{ partition: 2, ...who }], pausedHere: [{ topic: 'events', partition: 2 }] },
        { role: 'provision', pauses: [], pausedHere: [] },
      ],
    })
  })

  test('without a topic is the role, for 15 minutes; a partition needs no topic where there is one only', async () => {
    const role = await post('/pause', { role: 'decide', ...who })
    const { since, until } = role.json as { since: string; until: string }
    expect(Date.parse(until) - Date.parse(since)).toBe(15 * 60_000)
    expect(role.json).toMatchObject({ topic: null, partition: null, pausedHere: [{ partition: 0 }, { partition: 2 }] })
    const partition = await post('/pause', { role: 'provision', partition: 0, ...who })
    expect(partition.json).toMatchObject({ topic: 'commands', partition: 0 })
  })

  test.each([
    ['no actor', { role: 'decide', reason: 'x' }, 400, 'actor must be the name of who asks'],
    ['no reason', { role: 'decide', actor: 'jo' }, 400, 'reason must be why'],
    ['a reason of blanks', { role: 'decide', actor: 'jo', reason: '  ' }, 400, 'reason must be why'],
    ['an actor on two lines', { role: 'decide', actor: 'a\nb', reason: 'x' }, 400, 'actor'],
    ['an actor without end', { role: 'decide', actor: 'a'.repeat(129), reason: 'x' }, 400, 'actor'],
    ['a time that is too long', { role: 'decide', for: '5h', ...who }, 400, 'for must be a duration from 1s to 4h'],
    ['a time that is too short', { role: 'decide', for: '0s', ...who }, 400, 'for must be'],
    ['a time without its unit', { role: 'decide', for: '15', ...who }, 400, 'for must be'],
    ['a time that is a number', { role: 'decide', for: 15, ...who }, 400, 'for must be'],
    ['a partition that is text', { role: 'decide', partition: '2', ...who }, 400, 'partition must be a whole number'],
    ['a partition below 0', { role: 'decide', partition: -1, ...who }, 400, 'partition must be 0 or more'],
    ['a field that nobody knows', { role: 'decide', partitions: [2], ...who }, 400, 'unknown: partitions'],
    ['no role', who, 400, 'role must be the name of a role'],
    ['a role that is not here', { role: 'ingest', ...who }, 404, 'it runs decide, provision'],
    ['a topic of another role', { role: 'decide', topic: 'commands', ...who }, 404, 'it reads events'],
    ['a partition elsewhere', { role: 'decide', partition: 1, ...who }, 404, 'partitions 0, 2'],
  ])('with %s is refused', async (_what, body, status, words) => {
    const answer = await post('/pause', body)
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(words)])
    expect([...calls.pauses().values()].flatMap(pauses => pauses.standing())).toEqual([])
    expect(calls.lines).toEqual([])
  })

  test('before the roles were started comes too early', async () => {
    calls.given.started = false
    const answer = await post('/pause', { role: 'decide', ...who })
    expect(answer).toMatchObject({ status: 503, json: { code: 'NOT_STARTED' } })
    expect(answer.headers['retry-after']).toBe('5')
  })

  test('keeps no card number that somebody gives as a reason', async () => {
    await post('/pause', { role: 'decide', actor: '4242424242424242', reason: 'card 4242 4242 4242 4242' })
    const everything = JSON.stringify([calls.lines, (await call('/pauses')).json])
    expect(everything).toContain('[card number]')
    expect(everything).not.toMatch(/4242/)
  })
})

describe('POST /admin/resume', () => {
  test('ends what is paused within its scope, and is logged', async () => {
    await post('/pause', { role: 'decide', partition: 0, ...who })
    await post('/pause', { role: 'decide', partition: 2, ...who })
    const answer = await post('/resume', { role: 'decide', partition: 2, actor: 'al', reason: 'mended' })
    expect(answer.json).toMatchObject({
      role: 'decide',
      ended: [{ partition: 2, actor: 'jo' }],
      pausedHere: [{ topic: 'events', partition: 0 }],
    })
    expect(calls.lines.at(-1)).toMatchObject({ admin: 'resume', actor: 'al', reason: 'mended', partition: 2, ended: 1 })
  })

  test('of what is not paused, or only with more, says so', async () => {
    const nothing = await post('/resume', { role: 'decide', ...who })
    expect(nothing).toMatchObject({ status: 404, json: { code: 'NOT_PAUSED' } })
    await post('/pause', { role: 'decide', ...who })
    const part = await post('/resume', { role: 'decide', partition: 2, ...who })
    expect(part).toMatchObject({ status: 409, json: { code: 'PAUSED_BY_MORE' } })
  })
})

describe('GET /admin/users/:id', () => {
  test('shows what DECIDE holds, to whoever says who they are and why', async () => {
    calls.given.user = { kind: 'known', partition: 1, state: { user: { cards: [] }, merchants: [] } }
    const answer = await call(`/users/${encodeURIComponent('ada/1 ü')}${LOOK}`)
    expect(answer.json).toEqual({ user_id: 'ada/1 ü', partition: 1, kind: 'known', user: { cards: [] }, merchants: [] })
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(calls.asked).toEqual(['ada/1 ü'])
    expect(calls.lines).toMatchObject([{ admin: 'user', userId: 'ada/1 ü', answer: 'known', ...who }])
    const nobody = await call('/users/ada')
    expect(nobody).toMatchObject({ status: 400, json: { code: 'REQUEST_WRONG' } })
    expect(nobody.json.problems).toHaveLength(2)
    expect(calls.asked).toHaveLength(1)
  })

  test('takes the longest id that there is, and no path that is none', async () => {
    const id = 'ü'.repeat(127)
    expect((await call(`/users/${encodeURIComponent(id)}${LOOK}`)).json).toMatchObject({ code: 'USER_UNKNOWN' })
    expect(calls.asked).toEqual([id])
    expect((await call('/users/%zz')).status).toBe(400)
  })

  const owner: Owner = { instanceId: 'pod-1', memberId: 'm', clientId: 'onfile', host: '/10.0.0.7', adminUrl: null }
  const elsewhere = (owner: Owner | null) => ({ kind: 'elsewhere', partition: 1, owner }) as const
  test.each([
    ['nobody knows', { kind: 'unknown', partition: 1 } as const, 404, 'USER_UNKNOWN'],
    ['whose state is restored', { kind: 'not_ready', partition: 1, reason: 'restoring' } as const, 503, 'restoring'],
    ['who cannot be one', { kind: 'unusable', problem: 'no card number' } as const, 400, 'no card number'],
    ['of an unknown owner', elsewhere(null), 421, 'ask the others'],
    ['of another instance', elsewhere(owner), 421, 'pod-1 at /10.0.0.7'],
    ['of another instance with an address', elsewhere({ ...owner, adminUrl: 'http://pod-1:9400/' }), 307, 'pod-1'],
  ])('of a user %s says what is the matter', async (_what, user, status, words) => {
    calls.given.user = user
    const answer = await call(`/users/a%2Fb${LOOK}`)
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(words)])
    const expected = status === 307 ? 'http://pod-1:9400/admin/users/a%2Fb?actor=jo&reason=INC-7' : undefined
    expect(answer.headers.location).toBe(expected)
  })
})

describe('the level of the log', () => {
  test('is changed for a while, also of what logs already, and says who did it', async () => {
    const child = calls.log.child({ role: 'decide' })
    child.debug('unseen')
    const put = await call('/log-level', { method: 'PUT', body: { level: 'debug', actor: 'jo', for: '1s' } })
    expect(put.json).toMatchObject({ level: 'debug', configured: 'info', until: expect.stringMatching(/Z$/) as string })
    child.debug('seen')
    expect(calls.lines.map(({ msg }) => msg)).toEqual(['an operator changes the level of the log', 'seen'])
    expect(calls.lines[0]).toMatchObject({ admin: 'log-level', actor: 'jo', before: 'info', level: 'debug' })
    await expect
      .poll(async () => (await call('/log-level')).json, { timeout: 10_000 })
      .toEqual({ level: 'info', configured: 'info', until: null })
    calls.lines.length = 0
    child.debug('unseen again')
    expect(calls.lines).toEqual([])
  })

  test('may become a quiet one, which is logged all the same', async () => {
    await call('/log-level', { method: 'PUT', body: { level: 'fatal', actor: 'jo' } })
    expect(calls.lines).toMatchObject([{ level: 'fatal', actor: 'jo' }])
    const back = await call('/log-level', { method: 'PUT', body: { level: 'info', actor: 'jo' } })
    expect(back.json).toEqual({ level: 'info', configured: 'info', until: null })
  })

  test.each([
    ['one that there is not', { level: 'loud', actor: 'jo' }, 'one of fatal, error, warn, info, debug, trace'],
    ['nobody who asks', { level: 'debug' }, 'actor'],
    ['no end', { level: 'debug', actor: 'jo', for: '99d' }, 'for must be'],
  ])('with %s stays', async (_what, body, words) => {
    const answer = await call('/log-level', { method: 'PUT', body })
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(words)])
    expect(calls.logLevel.get().level).toBe('info')
  })
})
