import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { CardVault } from '../../../src/vault/cardVault.ts'
import { CANARY_PAN, HOLDER, NUMBERS } from '../knot/cards.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function vaultThat(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  token: string | null = 'vault-token',
) {
  const server = createServer(handle)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const vault = new CardVault({ url: `http://127.0.0.1:${port}/v1/`, token, timeoutMs: 300 })
  cleanUps.push(() => new Promise(resolve => server.close(resolve)))
  cleanUps.push(() => {
    server.closeAllConnections()
    return vault.close()
  })
  return vault
}

const answering = (status: number, body: unknown) => (_: IncomingMessage, response: ServerResponse) => {
  response.statusCode = status
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}
const CARD = { card_ref: 'card/1', version: 'v7', status: 'active', user: HOLDER, card: NUMBERS, card_name: 'Gold' }

describe('the card vault', () => {
  it('reads a card, by its escaped reference and with the bearer token', async () => {
    const seen: unknown[] = []
    const vault = await vaultThat((request, response) => {
      seen.push(request.url, request.headers.authorization)
      response.end(JSON.stringify(CARD))
    })
    const answer = await vault.card('card/1')
    expect(answer).toMatchObject({
      kind: 'card',
      status: 'active',
      version: 'v7',
      names: { card_name: 'Gold', customer_name: null },
    })
    expect(answer.kind === 'card' && answer.card?.reveal()).toEqual({ user: HOLDER, card: NUMBERS })
    expect(seen).toEqual(['/v1/cards/card%2F1', 'Bearer vault-token'])
    expect(inspect(answer, { depth: null, showHidden: true }) + JSON.stringify(answer)).not.toContain(CANARY_PAN)
  })

  it('reads a status without card data; a numeric version is text', async () => {
    const urls: unknown[] = []
    const vault = await vaultThat((request, response) => {
      urls.push(request.url, request.headers.authorization)
      response.end(JSON.stringify({ card_ref: 'c', version: 7, status: 'inactive' }))
    }, null)
    expect(await vault.status('c')).toEqual({ kind: 'status', status: 'inactive', version: '7' })
    expect(urls).toEqual(['/v1/cards/c/status', undefined])
  })

  it('a card without data, or with fields missing, is still an answer', async () => {
    const closed = await vaultThat(answering(200, { card_ref: 'c', version: '1', status: 'closed' }))
    expect(await closed.card('c')).toEqual({
      kind: 'card',
      status: 'closed',
      version: '1',
      card: null,
      names: { card_name: null, customer_name: null },
    })
    const odd = {
      ...CARD,
      card_ref: 'c',
      card: { number: 4242, expiration: '08/30' },
      user: { ...HOLDER, phone_number: null },
    }
    const vault = await vaultThat(answering(200, odd))
    const answer = await vault.card('c')
    const secret = answer.kind === 'card' ? answer.card?.reveal() : undefined
    expect(secret?.card).toEqual({ number: '', expiration: '08/30', cvv: '' })
    expect(secret?.user.phone_number).toBe('')
  })

  it.each([
    [404, {}, { kind: 'unknown' }],
    [401, {}, { kind: 'unauthorized' }],
    [403, {}, { kind: 'unauthorized' }],
    [500, {}, { kind: 'unavailable', trouble: 'server_error' }],
    [503, {}, { kind: 'unavailable', trouble: 'server_error' }],
    [302, {}, { kind: 'unavailable', trouble: 'bad_answer' }],
    [200, 'not json', { kind: 'unavailable', trouble: 'bad_answer' }],
    [200, { ...CARD, card_ref: 'another' }, { kind: 'unavailable', trouble: 'bad_answer' }],
    [200, { ...CARD, card_ref: 'c', status: 'frozen' }, { kind: 'unavailable', trouble: 'bad_answer' }],
    [200, `{"card_ref":"c","pad":"${'x'.repeat(70_000)}"}`, { kind: 'unavailable', trouble: 'bad_answer' }],
  ])('%d with %j', async (status, body, expected) => {
    const vault = await vaultThat(answering(status, body))
    expect(await vault.card('c')).toEqual(expected)
    expect(await vault.status('c')).toEqual(expected)
  })

  it('a vault that is silent, or slow in the middle, or not there, is unavailable', async () => {
    const silent = await vaultThat(() => undefined)
    expect(await silent.card('c')).toEqual({ kind: 'unavailable', trouble: 'timeout' })
    const slow = await vaultThat((_, response) => void response.write('{"card_ref":'))
    expect(await slow.card('c')).toEqual({ kind: 'unavailable', trouble: 'timeout' })
    const gone = await vaultThat(request => request.socket.destroy())
    expect(await gone.card('c')).toEqual({ kind: 'unavailable', trouble: 'connection' })
  })
})
