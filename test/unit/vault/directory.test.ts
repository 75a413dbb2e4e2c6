import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CardDirectory } from '../../../src/vault/directory.ts'
import type { CardDirectoryOptions } from '../../../src/vault/directory.ts'

let server: Server
let url: string
let requests: { readonly path: string; readonly authorization: string | undefined }[]
let answer: (cardRef: string, response: ServerResponse) => void
let nowMs: number
const open: CardDirectory[] = []

beforeEach(async () => {
  requests = []
  nowMs = 1_750_000_000_000
  answer = found
  server = createServer((request: IncomingMessage, response) => {
    requests.push({ path: request.url!, authorization: request.headers.authorization })
    const cardRef = decodeURIComponent(/cards\/([^/]*)\/owner/.exec(request.url!)?.[1] ?? '')
    answer(cardRef, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  await Promise.all(open.splice(0).map(directory => directory.close()))
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

function directoryOf(options: Partial<CardDirectoryOptions> = {}): CardDirectory {
  const directory = new CardDirectory({ url, token: 'secret-token', timeoutMs: 300, clock: () => nowMs, ...options })
  open.push(directory)
  return directory
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function found(cardRef: string, response: ServerResponse): void {
  json(response, 200, { user_id: ` user of ${cardRef} ` })
}

/** Fails for the cards named, answers for all others. */
function failingFor(...cards: string[]): (cardRef: string, response: ServerResponse) => void {
  return (cardRef, response) => (cards.includes(cardRef) ? json(response, 500, {}) : found(cardRef, response))
}

const MINUTE = 60_000

describe('the card directory', () => {
  it('finds the owner, with the token and below the path of the URL', async () => {
    const directory = directoryOf({ url: `${url}/api/v1/` })
    expect(directory.owner('card/ü')).toBeUndefined()
    await directory.resolve(['card/ü'])
    expect(directory.owner('card/ü')).toBe('user of card/ü')
    expect(requests).toEqual([{ path: '/api/v1/cards/card%2F%C3%BC/owner', authorization: 'Bearer secret-token' }])
  })

  it('says null for a card that it does not know', async () => {
    answer = (_cardRef, response) => json(response, 404, {})
    const directory = directoryOf()
    await directory.resolve(['c'])
    expect(directory.owner('c')).toBeNull()
  })

  it('tells what each request came to, by kinds that name no card, and nothing of what it remembers', async () => {
    const calls: string[] = []
    const directory = directoryOf({ onCall: (operation, kind) => calls.push(`${operation} ${kind}`) })
    await directory.resolve(['c'])
    await directory.resolve(['c'])
    const answers: readonly ((cardRef: string, response: ServerResponse) => unknown)[] = [
      (_card, response) => json(response, 404, {}),
      (_card, response) => json(response, 401, {}),
      (_card, response) => json(response, 403, {}),
      (_card, response) => json(response, 503, {}),
      (_card, response) => json(response, 200, { owner: 'x' }),
      (_card, response) => response.destroy(),
    ]
    for (const [index, one] of answers.entries()) {
      answer = (cardRef, response) => void one(cardRef, response)
      await directory.resolve([`c-${index}`]).catch(() => undefined)
    }
    expect(calls).toEqual([
      'owner found',
      'owner unknown',
      'owner unauthorized',
      'owner unauthorized',
      'owner unavailable',
      'owner unusable',
      'owner unavailable',
    ])
  })

  it('remembers an owner for 5 minutes and a 404 for 30 seconds', async () => {
    answer = (cardRef, response) => (cardRef === 'gone' ? json(response, 404, {}) : found(cardRef, response))
    const directory = directoryOf()
    const asked = async (afterMs: number): Promise<string[]> => {
      nowMs += afterMs
      requests.length = 0
      await directory.resolve(['here', 'gone'])
      return requests.map(request => request.path.split('/')[2]!).sort()
    }
    expect(await asked(0)).toEqual(['gone', 'here'])
    expect(await asked(29_000)).toEqual([])
    expect(await asked(2_000)).toEqual(['gone'])
    expect(await asked(5 * MINUTE)).toEqual(['gone', 'here'])
  })

  it('asks once for a card that several callers want at the same time', async () => {
    const directory = directoryOf()
    await Promise.all([directory.resolve(['c', 'c']), directory.resolve(['c'])])
    expect(requests).toHaveLength(1)
  })

  it('keeps to its concurrency', async () => {
    let running = 0
    let most = 0
    answer = (cardRef, response) => {
      most = Math.max(most, ++running)
      setTimeout(() => {
        running--
        found(cardRef, response)
      }, 5)
    }
    const directory = directoryOf({ concurrency: 4 })
    const cards = Array.from({ length: 40 }, (_, index) => `c${index}`)
    await directory.resolve(cards)
    expect(cards.map(card => directory.owner(card))).toEqual(cards.map(card => `user of ${card}`))
    expect(most).toBe(4)
  })

  const outages: [string, (cardRef: string, response: ServerResponse) => void][] = [
    ['a 500', (_card, response) => json(response, 500, {})],
    ['a 401', (_card, response) => json(response, 401, {})],
    ['a 400', (_card, response) => json(response, 400, {})],
    ['a 200 that is not JSON', (_card, response) => response.writeHead(200).end('<html>')],
    ['a 200 without user_id', (_card, response) => json(response, 200, { user: 'u' })],
    ['a 200 with an empty user_id', (_card, response) => json(response, 200, { user_id: ' ' })],
    ['an answer without end', (_card, response) => void response.writeHead(200).write('{')],
    ['a huge answer', (_card, response) => response.writeHead(200).end('x'.repeat(100_000))],
    ['no answer', () => undefined],
    ['a closed connection', (_card, response) => response.destroy()],
  ]
  it.each(outages)('makes the caller wait for %s, and answers once it is over', async (_what, outage) => {
    answer = outage
    const directory = directoryOf()
    await expect(directory.resolve(['c'])).rejects.toMatchObject({ code: 'directory_unavailable', retryable: true })
    expect(directory.owner('c')).toBeUndefined()
    answer = found
    await directory.resolve(['c'])
    expect(directory.owner('c')).toBe('user of c')
  })

  it('makes the caller wait where nobody listens', async () => {
    const directory = directoryOf({ url: 'http://127.0.0.1:9' })
    await expect(directory.resolve(['c'])).rejects.toThrow('no connection')
  })

  it('never repeats what the directory sent, nor the token', async () => {
    answer = (_card, response) => json(response, 500, { secret: 'inside' })
    const error: unknown = await directoryOf()
      .resolve(['c'])
      .catch((caught: unknown) => caught)
    expect(String(error)).not.toMatch(/inside|secret-token/)
  })

  it('keeps what was answered while one card fails', async () => {
    answer = failingFor('bad')
    const directory = directoryOf()
    await expect(directory.resolve(['a', 'bad', 'b'])).rejects.toThrow('1 card(s)')
    expect([directory.owner('a'), directory.owner('b')]).toEqual(['user of a', 'user of b'])
    requests.length = 0
    await expect(directory.resolve(['a', 'bad', 'b'])).rejects.toThrow('1 card(s)')
    expect(requests).toHaveLength(1)
  })

  it('stops asking when nothing but failures comes back', async () => {
    answer = (_card, response) => json(response, 503, {})
    const directory = directoryOf({ concurrency: 4 })
    await expect(directory.resolve(Array.from({ length: 500 }, (_, index) => `c${index}`))).rejects.toThrow()
    expect(requests.length).toBeLessThan(10)
  })

  it('gives a card up after 15 minutes of failures, while others are answered', async () => {
    answer = failingFor('bad')
    const directory = directoryOf()
    await directory.resolve(['good'])
    await expect(directory.resolve(['bad'])).rejects.toThrow()
    nowMs += 15 * MINUTE - 1
    await expect(directory.resolve(['bad'])).rejects.toThrow()
    nowMs += 1
    await directory.resolve(['bad'])
    expect(directory.owner('bad')).toBeNull()
  })

  it('gives nothing up while all of it is down, however long', async () => {
    answer = failingFor('bad')
    const directory = directoryOf()
    await directory.resolve(['good'])
    await expect(directory.resolve(['bad'])).rejects.toThrow()
    answer = (_card, response) => json(response, 503, {})
    nowMs += 60 * MINUTE
    await expect(directory.resolve(['bad'])).rejects.toThrow()
    expect(directory.owner('bad')).toBeUndefined()
  })

  it('gives a card up after an hour where no card was ever found, if it knows at least that nobody has another one', async () => {
    answer = (cardRef, response) => json(response, cardRef === 'bad' ? 500 : 404, {})
    const directory = directoryOf()
    await expect(directory.resolve(['bad'])).rejects.toThrow()
    nowMs += 60 * MINUTE - 1
    await expect(directory.resolve(['bad'])).rejects.toThrow()
    nowMs += 1
    await directory.resolve(['bad'])
    expect(directory.owner('bad')).toBeNull()
    expect(requests.filter(({ path }) => path.includes('nobody'))).toHaveLength(1)
  })

  it('gives a card up that was found before, and is the only one that ever was', async () => {
    const directory = directoryOf()
    await directory.resolve(['bad'])
    nowMs += 6 * MINUTE
    answer = (cardRef, response) => json(response, cardRef === 'bad' ? 500 : 404, {})
    await expect(directory.resolve(['bad'])).rejects.toThrow()
    nowMs += 60 * MINUTE
    await directory.resolve(['bad'])
    expect(directory.owner('bad')).toBeNull()
  })

  it('asks another card than one that fails itself whether the directory answers', async () => {
    const directory = directoryOf()
    await directory.resolve(['good'])
    await directory.resolve(['bad'])
    nowMs += 6 * MINUTE
    answer = failingFor('bad')
    await expect(directory.resolve(['bad'])).rejects.toThrow()
    nowMs += 15 * MINUTE
    await directory.resolve(['bad'])
    expect(directory.owner('bad')).toBeNull()
  })

  it('takes no 404 of a card that was found before for a directory that is well', async () => {
    const directory = directoryOf()
    await directory.resolve(['good'])
    answer = (cardRef, response) => json(response, cardRef === 'bad' ? 500 : 404, {})
    await expect(directory.resolve(['bad'])).rejects.toThrow()
    nowMs += 15 * MINUTE
    await expect(directory.resolve(['bad'])).rejects.toThrow()
  })

  it('does not count a look-up as failed that was called off', async () => {
    answer = () => undefined
    const directory = directoryOf({ timeoutMs: 10_000 })
    const stop = new AbortController()
    const waiting = directory.resolve(['c'], stop.signal)
    setTimeout(() => stop.abort(), 20)
    await expect(waiting).rejects.toThrow()
    nowMs += 60 * MINUTE
    answer = failingFor('c')
    await directory.resolve(['good'])
    await expect(directory.resolve(['c'])).rejects.toThrow()
  })

  it('counts the 15 minutes anew after an answer', async () => {
    answer = failingFor('bad')
    const directory = directoryOf()
    await directory.resolve(['good'])
    await expect(directory.resolve(['bad'])).rejects.toThrow()
    answer = found
    await directory.resolve(['bad'])
    answer = failingFor('bad')
    nowMs += 15 * MINUTE
    await expect(directory.resolve(['bad'])).rejects.toThrow()
  })

  it('does not take a card reference for a way through the path', async () => {
    const directory = directoryOf()
    await directory.resolve(['..', '.'])
    expect([directory.owner('..'), directory.owner('.')]).toEqual([null, null])
    expect(requests).toEqual([])
  })

  it('stops at the signal', async () => {
    answer = () => undefined
    const stop = new AbortController()
    const waiting = directoryOf({ timeoutMs: 10_000 }).resolve(['c'], stop.signal)
    setTimeout(() => stop.abort(), 20)
    await expect(waiting).rejects.toMatchObject({ code: 'directory_unavailable' })
  })
})
