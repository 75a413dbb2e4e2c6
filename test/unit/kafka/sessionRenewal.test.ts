import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { findCoordinator } from '../../../src/kafka/requests/findCoordinator.ts'
import { Writer } from '../../../src/kafka/wire.ts'
import { apiVersionsAnswer, FakeBroker, metadataAnswer, MODERN } from './fakeBroker.ts'

const [METADATA, FIND_COORDINATOR, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE] = [3, 10, 17, 18, 36]
/** As the broker says it; the client renews from four fifths on. */
const SESSION_MS = 500
const HANDSHAKE_MS = 100

/** As Kafka does it with `connections.max.reauth.ms`; when a session is over the test says, a slow machine may not. */
class SecuredBroker implements AsyncDisposable {
  readonly broker: FakeBroker
  cluster!: Cluster
  handshakes = 0
  hungUp = 0
  private readonly sessions: Map<Socket, 'handshake' | 'open' | 'over'>

  private constructor(broker: FakeBroker, sessions: Map<Socket, 'handshake' | 'open' | 'over'>) {
    this.broker = broker
    this.sessions = sessions
  }

  static async start(): Promise<SecuredBroker> {
    const sessions = new Map<Socket, 'handshake' | 'open' | 'over'>()
    const broker = await FakeBroker.start(({ apiKey, socket, answer }, self) => {
      const session = sessions.get(socket)
      if (apiKey === SASL_HANDSHAKE) {
        secured.handshakes++
        sessions.set(socket, 'handshake')
        const mechanisms = new Writer().int16(0)
        mechanisms.array(['PLAIN'], name => mechanisms.string(name))
        setTimeout(() => answer(mechanisms.finish()), session === undefined ? 0 : HANDSHAKE_MS)
      } else if (apiKey === SASL_AUTHENTICATE) {
        sessions.set(socket, 'open')
        answer(new Writer().int16(0).string(null).int32(0).int64(BigInt(SESSION_MS)).finish())
      } else if (session === 'handshake' || session === 'over') {
        secured.hungUp++
        socket.destroy()
      } else if (apiKey === API_VERSIONS) {
        answer(apiVersionsAnswer({ ...MODERN, [SASL_HANDSHAKE]: 1, [SASL_AUTHENTICATE]: 1 }, 2))
      } else if (apiKey === METADATA) {
        answer(metadataAnswer(self.address))
      } else if (apiKey === FIND_COORDINATOR) {
        const [host = '', port] = self.address.split(':')
        answer(new Writer().int32(0).int16(0).string(null).int32(1).string(host).int32(Number(port)).finish())
      }
    })
    const secured = new SecuredBroker(broker, sessions)
    secured.cluster = await Cluster.connect({
      brokers: [broker.address],
      clientId: 'test',
      sasl: { mechanism: 'plain', username: 'u', password: 'p' },
    })
    return secured
  }

  endSessions(): void {
    for (const [socket, session] of this.sessions) if (session === 'open') this.sessions.set(socket, 'over')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.close()
    await this.broker[Symbol.asyncDispose]()
  }
}

describe('a session that must be renewed', () => {
  let secured: SecuredBroker
  beforeEach(async () => {
    secured = await SecuredBroker.start()
    expect(await secured.cluster.transactionVersion(1, 'transactions')).toBe(2)
    secured.handshakes = 0
    await wait(SESSION_MS)
  })
  afterEach(() => secured[Symbol.asyncDispose]())

  it('is renewed before the cluster is asked for its protocol, too: a lock on an idle connection loses nothing', async () => {
    secured.endSessions()
    expect(await secured.cluster.transactionVersion(1, 'transactions')).toBe(2)
    expect([secured.handshakes, secured.hungUp]).toEqual([1, 0])
  })

  it('is not disturbed by that question while another request renews it', async () => {
    const coordinator = secured.cluster.call(1, 'transactions', findCoordinator('group', 'g'))
    await expect.poll(() => secured.handshakes).toBe(1)
    expect(await secured.cluster.transactionVersion(1, 'transactions')).toBe(2)
    await coordinator
    expect(secured.hungUp).toBe(0)
  })
})
