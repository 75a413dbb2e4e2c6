import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestCard } from '../../../sandbox/people.ts'

/** How a vault can answer wrongly and still hand out card data. */
export type WrongAnswer = 'cut off' | 'error with the card in it' | 'card as a list' | 'card in the status'

export interface LeakyVault {
  readonly url: string
  stop(): Promise<void>
}

/**
 * In front of the sandbox vault: answers for the given references wrongly, with a card in the body, and hands everything
 * else on.
 */
export async function startLeakyVault(
  behind: string,
  wrong: ReadonlyMap<string, { answer: WrongAnswer; card: TestCard }>,
): Promise<LeakyVault> {
  const server = createServer((request, response) => {
    const [, , reference = '', rest] = (request.url ?? '').split('/')
    const found = wrong.get(decodeURIComponent(reference))
    const answer = found === undefined ? undefined : wrongBody(found.answer, reference, found.card, rest)
    if (answer !== undefined) {
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
      return
    }
    fetch(behind + (request.url ?? ''), { headers: { authorization: request.headers.authorization ?? '' } }).then(
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
): { status: number; body: string } | undefined {
  const whole = { card_ref: cardRef, version: '1', status: 'active', card }
  if (rest === 'owner') return undefined
  if (rest === 'status') {
    return answer === 'card in the status' ? { status: 200, body: JSON.stringify(whole).slice(0, -2) } : undefined
  }
  switch (answer) {
    case 'cut off':
      return { status: 200, body: JSON.stringify(whole).slice(0, -4) }
    case 'error with the card in it':
      return { status: 500, body: JSON.stringify({ error: `cannot serialise ${JSON.stringify(whole)}` }) }
    case 'card as a list':
      return { status: 200, body: JSON.stringify({ ...whole, card: [card.number, card.cvv] }) }
    case 'card in the status':
      return undefined
  }
}
