import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestCard } from '../../../sandbox/people.ts'

/** How a vault, or the directory beside it, can answer wrongly and still hand out card data. */
export type WrongAnswer =
  | 'cut off'
  | 'error with the card in it'
  | 'card as a list'
  | 'card in the status'
  /** First an error with the card in it, then the owner with the card beside it: no event waits for good. */
  | 'card in the owner'

/** The directory at the same address has a token of its own. */
export interface LeakyTokens {
  readonly vault: string
  readonly directory: string
}

export interface LeakyVault {
  readonly url: string
  stop(): Promise<void>
}

/**
 * In front of the sandbox vault: answers for the given references wrongly, with a card in the body, and hands everything
 * else on. Whoever shows the vault's token to the directory, or the other way round, gets 401.
 */
export async function startLeakyVault(
  behind: string,
  wrong: ReadonlyMap<string, { answer: WrongAnswer; card: TestCard }>,
  tokens: LeakyTokens,
): Promise<LeakyVault> {
  const asked = new Set<string>()
  const server = createServer((request, response) => {
    const [, , reference = '', rest] = (request.url ?? '').split('/')
    const expected = rest === 'owner' ? tokens.directory : tokens.vault
    if (request.headers.authorization !== `Bearer ${expected}`) {
      response.writeHead(401).end()
      return
    }
    const found = wrong.get(decodeURIComponent(reference))
    const isFirst = found !== undefined && !asked.has(request.url ?? '')
    asked.add(request.url ?? '')
    const answer = found === undefined ? undefined : wrongBody(found.answer, reference, found.card, rest, isFirst)
    if (answer !== undefined) {
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
      return
    }
    fetch(behind + (request.url ?? ''), { headers: { authorization: `Bearer ${tokens.vault}` } }).then(
      async upstream => response.writeHead(upstream.status).end(Buffer.from(await upstream.arrayBuffer())),
      () => response.destroy(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function wrongBody(
  answer: WrongAnswer,
  cardRef: string,
  card: TestCard,
  rest: string | undefined,
  isFirst: boolean,
): { status: number; body: string } | undefined {
  const whole = { card_ref: cardRef, version: '1', status: 'active', card }
  const failure = { status: 500, body: JSON.stringify({ error: `cannot serialise ${JSON.stringify(whole)}` }) }
  if (rest === 'owner') {
    if (answer !== 'card in the owner') return undefined
    return isFirst
      ? failure
      : { status: 200, body: JSON.stringify({ ...whole, user_id: cardRef.replace('card-', '') }) }
  }
  if (rest === 'status') {
    return answer === 'card in the status' ? { status: 200, body: JSON.stringify(whole).slice(0, -2) } : undefined
  }
  switch (answer) {
    case 'cut off':
      return { status: 200, body: JSON.stringify(whole).slice(0, -4) }
    case 'error with the card in it':
      return failure
    case 'card as a list':
      return { status: 200, body: JSON.stringify({ ...whole, card: [card.number, card.cvv] }) }
    case 'card in the status':
    case 'card in the owner':
      return undefined
  }
}
