/**
 * A Knot in a process of its own that does nothing but take its time: every `POST /card` is accepted after a latency, every
 * key request is answered with a fresh RSA key. Started by `fork`; says its URL. A `Latency` as a message sets it; 'measure'
 * asks for the mean service time since then in milliseconds: from a request that is whole to its answer, null without one.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'

/** `medianMs` constant, or log-normal with this median and this 99th percentile. */
export interface Latency {
  readonly medianMs: number
  readonly p99Ms: number | null
}

/** Standard normal quantile of 0.99. */
const Z99 = 2.326_347_874

function sample({ medianMs, p99Ms }: Latency): number {
  if (p99Ms === null || medianMs === 0) return medianMs
  const sigma = Math.log(p99Ms / medianMs) / Z99
  const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
  return medianMs * Math.exp(sigma * normal)
}

async function serve(): Promise<void> {
  let latency: Latency = { medianMs: 0, p99Ms: null }
  let answered = 0
  let servedMs = 0
  const { publicKey } = await generateKeyPair('RSA-OAEP-256', { modulusLength: 2048, extractable: true })
  const key = JSON.stringify({ ...(await exportJWK(publicKey)), alg: 'RSA-OAEP-256', use: 'enc', kid: 'bench' })
  const server = createServer((request, response) => {
    const answer = (body: string) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(body)
    }
    request.resume()
    request.on('end', () => {
      if (request.method === 'GET') return answer(key)
      const delayMs = sample(latency)
      const cameMs = performance.now()
      const accept = () => {
        answer('{"message":"Success"}')
        answered++
        servedMs += performance.now() - cameMs
      }
      if (delayMs === 0) accept()
      else setTimeout(accept, delayMs)
    })
  })
  server.keepAliveTimeout = 60_000
  process.on('message', (message: Latency | 'measure') => {
    if (message === 'measure') {
      process.send?.({ meanMs: answered === 0 ? null : servedMs / answered })
      return
    }
    latency = message
    answered = 0
    servedMs = 0
    process.send?.('set')
  })
  process.on('disconnect', () => process.exit(0))
  server.listen(0, '127.0.0.1', 8_192, () => {
    process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
}

if (process.send !== undefined && process.argv[1]?.endsWith('knotStub.ts') === true) await serve()
