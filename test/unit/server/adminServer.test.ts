import { request } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { AdminAddressError, AdminServer } from '../../../src/server/adminServer.ts'
import type { AdminServerOptions } from '../../../src/server/adminServer.ts'
import { fakeCalls } from './fakeCalls.ts'

const open: AdminServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(server => server.stop()))
})

async function serve(options: Partial<AdminServerOptions> = {}): Promise<AdminServer> {
  const server = await AdminServer.start({
    host: '127.0.0.1',
    port: 0,
    health: { startup: () => ({ ready: true, reasons: [] }), roles: () => [], draining: () => false },
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'onfile_up 1\n' }),
    calls: fakeCalls(),
    ...options,
  })
  open.push(server)
  return server
}

async function get(url: string) {
  const { statusCode, headers, body } = await request(url)
  return { statusCode, type: String(headers['content-type']), text: await body.text() }
}

describe('the admin server', () => {
  test('answers its four pages', async () => {
    const { url } = await serve()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(await get(`${url}/livez`)).toMatchObject({ statusCode: 200, text: '{"state":"live","reasons":[]}' })
    expect(await get(`${url}/startupz`)).toMatchObject({ statusCode: 200, text: '{"state":"started","reasons":[]}' })
    expect(await get(`${url}/readyz`)).toMatchObject({
      statusCode: 200,
      text: '{"state":"ready","reasons":[],"notices":[],"roles":[]}',
    })
    expect(await get(`${url}/metrics`)).toEqual({
      statusCode: 200,
      type: 'text/plain; version=0.0.4',
      text: 'onfile_up 1\n',
    })
    expect(await get(`${url}/other`)).toMatchObject({ statusCode: 404 })
  })

  test('says 503 and why while it waits, and is live all the time', async () => {
    let ready = false
    const { url } = await serve({
      health: {
        startup: () => ({ ready, reasons: ready ? [] : ['kafka.brokers a:1 does not answer'] }),
        roles: () => [],
        draining: () => false,
      },
    })
    expect(await get(`${url}/startupz`)).toMatchObject({
      statusCode: 503,
      text: '{"state":"starting","reasons":["kafka.brokers a:1 does not answer"]}',
    })
    expect((await get(`${url}/readyz`)).statusCode).toBe(503)
    expect((await get(`${url}/livez`)).statusCode).toBe(200)
    ready = true
    expect((await get(`${url}/startupz`)).statusCode).toBe(200)
    expect((await get(`${url}/readyz`)).statusCode).toBe(200)
  })

  test('tells nothing of an internal error', async () => {
    const { url } = await serve({ metrics: () => Promise.reject(new Error('secret detail')) })
    const answer = await get(`${url}/metrics`)
    expect(answer.statusCode).toBe(500)
    expect(answer.text).not.toContain('secret detail')
  })

  test('says who must act when its port is taken', async () => {
    const { url } = await serve()
    const taken = serve({ port: Number(new URL(url).port) })
    await expect(taken).rejects.toThrow(AdminAddressError)
    await expect(taken).rejects.toThrow(/EADDRINUSE.*admin\.port/)
  })

  test('stops although a client keeps its connection', async () => {
    const server = await serve()
    await get(`${server.url}/livez`)
    const startedMs = Date.now()
    await server.stop()
    expect(Date.now() - startedMs).toBeLessThan(1_000)
    await expect(get(`${server.url}/livez`)).rejects.toThrow()
  })
})
