import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AdminServer } from '../../../src/server/adminServer.ts'
import { fakeCalls } from './fakeCalls.ts'

/** As large as the page of a small process; bench/scrape.ts has the size of a large one. */
const PAGE = 'onfile_consumer_lag_seconds{role="decide",topic="onfile-user-events",partition="0"} 0\n'.repeat(1_500)
/** Kept out would be for longer than any timeout of a caller: on a machine that builds beside, a bound for that. */
const PATIENCE_MS = 5_000

let pages = 0
let server: AdminServer
let sockets: Socket[] = []
beforeEach(async () => {
  pages = 0
  server = await AdminServer.start({
    host: '127.0.0.1',
    port: 0,
    health: { startup: () => ({ ready: true, reasons: [] }), roles: () => [], draining: () => false },
    calls: fakeCalls(),
    metrics: async () => {
      pages++
      await wait(20)
      return { contentType: 'text/plain', body: PAGE }
    },
  })
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets = []
  await server.stop()
})

/** Connections that say `words` and nothing more. */
async function callers(count: number, words: string): Promise<void> {
  const { hostname, port } = new URL(server.url)
  const opened = Array.from({ length: count }, () => connect(Number(port), hostname))
  sockets.push(...opened)
  await Promise.all(opened.map(socket => once(socket, 'connect')))
  for (const socket of opened) socket.on('error', () => undefined).write(words)
}

async function livezMs(dispatcher?: Agent): Promise<number> {
  const startedMs = performance.now()
  const options = dispatcher === undefined ? {} : { dispatcher }
  const { statusCode, body } = await request(`${server.url}/livez`, options)
  await body.dump()
  expect(statusCode).toBe(200)
  return performance.now() - startedMs
}

describe('a crowd at the admin server', () => {
  test('two hundred scrapes at once are all answered, out of a few pages, and probes in between', async () => {
    const dispatcher = new Agent({ connections: 200 })
    const scrapes = Array.from({ length: 200 }, async () => {
      const { statusCode, body } = await request(`${server.url}/metrics`, { dispatcher })
      return { statusCode, length: (await body.text()).length }
    })
    await livezMs()
    const answers = await Promise.all(scrapes)
    await dispatcher.close()
    expect(answers.filter(({ statusCode, length }) => statusCode === 200 && length === PAGE.length)).toHaveLength(200)
    expect(pages).toBeLessThan(100)
  })

  test('three hundred callers that never finish their request keep nobody out, and are sent away', async () => {
    await callers(300, 'GET /metrics HTTP/1.1\r\nhost: a\r\nx-slow: ')
    expect(await livezMs()).toBeLessThan(PATIENCE_MS)
    const { statusCode, body } = await request(`${server.url}/metrics`)
    expect([statusCode, (await body.text()).length]).toEqual([200, PAGE.length])
    const left = sockets.filter(socket => !socket.closed)
    const closed = Promise.all(left.map(socket => once(socket.resume(), 'close')))
    const inTime = await Promise.race([closed.then(() => true), wait(12_000).then(() => false)])
    expect(inTime).toBe(true)
  })

  test('twelve hundred connections of one address leave room for another one, and for this one once they are gone', async () => {
    const { hostname, port } = new URL(server.url)
    // Not all at once: what does not fit into the queue of the listening socket is open for its client and no one else.
    for (let hundred = 0; hundred < 12; hundred++) {
      const more = Array.from({ length: 100 }, () => connect(Number(port), hostname).on('error', () => undefined))
      sockets.push(...more)
      await Promise.all(
        more.map(socket => new Promise(resolve => socket.once('connect', resolve).once('close', resolve))),
      )
    }
    const kubelet = new Agent({ localAddress: '127.0.0.2', keepAliveTimeout: 1 })
    expect(await livezMs(kubelet)).toBeLessThan(PATIENCE_MS)
    await expect
      .poll(() => sockets.filter(({ closed }) => !closed).length, { timeout: 60_000 })
      .toBeLessThanOrEqual(350)
    expect(await livezMs(kubelet)).toBeLessThan(PATIENCE_MS)
    await kubelet.close()
    for (const socket of sockets) socket.destroy()
    const again = () =>
      livezMs().then(
        () => true,
        () => false,
      )
    await expect.poll(again, { timeout: 60_000 }).toBe(true)
  }, 150_000)

  test('callers that do not read what they asked for keep nobody out', async () => {
    await callers(50, 'GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(3))
    for (const socket of sockets) socket.pause()
    await wait(300)
    expect(await livezMs()).toBeLessThan(PATIENCE_MS)
  })
})
