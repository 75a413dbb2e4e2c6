import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest'
import { OauthTokenError, OauthTokens } from '../../../src/cli/oauthTokens.ts'

let server: Server
let tokenUrl: string
let requests: { authorization: string; body: string }[]
let answer: { status: number; body: string }
let nowMs: number

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      requests.push({ authorization: request.headers.authorization ?? '', body: Buffer.concat(chunks).toString() })
      response.writeHead(answer.status).end(answer.body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})
beforeEach(() => {
  requests = []
  answer = { status: 200, body: '{"access_token":"t1","expires_in":100}' }
  nowMs = 0
})

function tokensOf(scope: string | null = null): OauthTokens {
  return new OauthTokens({ tokenUrl, clientId: 'id:1', clientSecret: 's/1', scope, now: () => nowMs })
}

describe('tokens for Kafka', () => {
  test('are asked for with the client credentials grant', async () => {
    expect(await tokensOf('kafka').token()).toBe('t1')
    const encoded = Buffer.from('id%3A1:s%2F1').toString('base64')
    expect(requests).toEqual([{ authorization: `Basic ${encoded}`, body: 'grant_type=client_credentials&scope=kafka' }])
  })

  test('are asked for once by many connections, and again when most of their life is over', async () => {
    const tokens = tokensOf()
    await Promise.all([tokens.token(), tokens.token(), tokens.token()])
    nowMs = 79_999
    await tokens.token()
    expect(requests).toHaveLength(1)
    nowMs = 80_000
    answer = { status: 200, body: '{"access_token":"t2"}' }
    expect(await tokens.token()).toBe('t2')
    expect(requests).toHaveLength(2)
  })

  it.each<[number, string, RegExp]>([
    [401, '{"error":"canary-text"}', /it answered 401/],
    [200, '<html>canary-text', /holds no access_token/],
    [200, '{"access_token":""}', /holds no access_token/],
  ])('an answer %d %s is an error without the text of the answer', async (status, body, message) => {
    answer = { status, body }
    const failing = tokensOf().token()
    await expect(failing).rejects.toThrow(OauthTokenError)
    await expect(failing).rejects.toThrow(message)
    await expect(failing).rejects.not.toThrow(/canary/)
  })

  test.each([
    [400, true],
    [401, true],
    [403, true],
    [404, false],
    [429, false],
    [503, false],
  ])('an answer %d is a refusal of this client: %s', async (status, refused) => {
    answer = { status, body: '' }
    const code = refused ? 'OAUTH_TOKEN_REFUSED' : 'OAUTH_TOKEN_UNAVAILABLE'
    await expect(tokensOf().token()).rejects.toMatchObject({ refused, code })
  })

  test('after a failure the next call asks again', async () => {
    const tokens = tokensOf()
    answer = { status: 503, body: '' }
    await expect(tokens.token()).rejects.toThrow(OauthTokenError)
    answer = { status: 200, body: '{"access_token":"t3"}' }
    expect(await tokens.token()).toBe('t3')
  })
})
