import { inspect } from 'node:util'
import { compactDecrypt } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { CANARY_CVV, CANARY_PAN, HOLDER, NUMBERS } from '../../knot/cards.ts'
import { cancel, command, provisionBed, results } from './fakePorts.ts'
import type { Bed } from './fakePorts.ts'
import { KNOT_SECRET, realHttp, VAULT_TOKEN } from './realHttp.ts'
import type { Behaviour, RealHttp } from './realHttp.ts'

let real: RealHttp | undefined
afterEach(() => real?.close())

async function bedOn(http: RealHttp): Promise<Bed> {
  return provisionBed({ knot: http.updater, vault: http.vault })
}

/** Real answers take real time. */
async function until(bed: Bed, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !holds(); i++) {
    await bed.task.settle()
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  expect(holds()).toBe(true)
}

/** Everything that leaves PROVISION or that somebody may print: records, state, logs, metrics, effects, errors. */
function everythingSeen({ task, seen, role }: Bed): string {
  const errors = task.seenResults.flatMap(outcome => (outcome.ok ? [] : [outcome.error]))
  const shown = (value: unknown) => [
    inspect(value, { depth: null, showHidden: true, maxStringLength: null }),
    inspect(value, { depth: null, customInspect: false }),
    JSON.stringify(value),
  ]
  return [
    ...[seen.lines, seen.metrics, task.durable.events, task.durable.deadLetters, role.status()].flatMap(shown),
    ...[task.seenEffects, task.seenResults, task.processor, task.ledger()].flatMap(shown),
    ...errors.flatMap(error => [error.message, error.stack ?? '', ...shown(error), ...shown(error.cause)]),
    ...[...task.durable.ledger.values()].map(bytes => bytes.toString('latin1')),
  ].join('\n')
}

const basic = Buffer.from(`client:${KNOT_SECRET}`).toString('base64')
const FORBIDDEN = [
  new RegExp(CANARY_PAN),
  new RegExp(`\\b${CANARY_CVV}\\b`),
  /eyJhbGciOi/,
  /08\/2030/,
  /Lovelace|100 Main Street|1234567890/,
  new RegExp(KNOT_SECRET),
  new RegExp(VAULT_TOKEN),
  new RegExp(basic),
]

function expectNoSecrets(bed: Bed): void {
  const text = everythingSeen(bed)
  for (const secret of FORBIDDEN) expect(text).not.toMatch(secret)
}

describe('the whole way over real HTTP', () => {
  it('the card reaches Knot, readable by its key only, for the right account', async () => {
    real = await realHttp()
    const bed = await bedOn(real)
    bed.task.read(command(1, { kind: 'DISCOVER', merchant_id: null }))
    bed.task.read(command(2))
    await until(bed, () => results(bed.task).length === 2)
    expect(results(bed.task).sort()).toEqual(['1:DISCOVERED', '2:ACCEPTED'])
    const { jwe, ...ids } = real.pushes[0]!
    expect(ids).toEqual({ external_user_id: 'ada', merchant_id: 19 })
    const { plaintext, protectedHeader } = await compactDecrypt(jwe!, real.privateKey)
    expect(protectedHeader).toEqual({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'kid-1' })
    expect(JSON.parse(Buffer.from(plaintext).toString())).toEqual({ user: HOLDER, card: NUMBERS })
    expectNoSecrets(bed)
  })

  it('the plain form goes as it is, and nowhere else', async () => {
    real = await realHttp('plain')
    const bed = await bedOn(real)
    bed.task.read(command(1))
    await until(bed, () => results(bed.task).length === 1)
    expect(real.pushes).toEqual([{ user: HOLDER, card: NUMBERS, external_user_id: 'ada', merchant_id: 19 }])
    expectNoSecrets(bed)
  })
})

describe('secrets leave through nothing else, whatever Knot and the vault say', () => {
  const echo = `card ${CANARY_PAN} cvv ${CANARY_CVV} of Ada Lovelace`
  const error = { error_type: echo, error_code: CANARY_PAN, error_message: echo }
  const cases: [name: string, answer: Behaviour, result: string][] = [
    ['an error that repeats the card', { status: 400, body: error }, '1:REJECTED/unknown_error'],
    [
      'a known code with a telling message',
      { status: 400, body: { ...error, error_code: 'INVALID_FIELD' } },
      '1:REJECTED/invalid_field',
    ],
    ['a server error page', { status: 500, body: `<html>${echo}</html>` }, '1:AMBIGUOUS/server_error'],
    [
      'headers that repeat it',
      { status: 200, body: {}, headers: { 'x-echo': echo, 'retry-after': CANARY_PAN } },
      '1:ACCEPTED',
    ],
    ['a broken connection', 'reset', '1:AMBIGUOUS/connection_lost'],
  ]
  it.each(cases)('%s', async (_, answer, result) => {
    real = await realHttp()
    real.answers.push(answer)
    const bed = await bedOn(real)
    bed.task.read(command(1))
    await until(bed, () => results(bed.task).length === 1)
    expect(results(bed.task)).toEqual([result])
    expectNoSecrets(bed)
  })

  it('a wait after 503, a new key after INVALID_JWE, a CANCEL and a crash in between', async () => {
    real = await realHttp()
    real.answers.push({ status: 503, body: error }, { status: 400, body: { ...error, error_code: 'INVALID_JWE' } })
    const bed = await bedOn(real)
    bed.task.read(command(1))
    await until(bed, () => bed.task.durable.timers.size > 0)
    expectNoSecrets(bed)
    bed.clock.ms += 1_000
    await until(bed, () => results(bed.task).length === 1)
    expect(real.pushes).toHaveLength(3)
    expect(results(bed.task)).toEqual(['1:ACCEPTED'])
    bed.task.read(command(2))
    bed.task.commit()
    bed.task.read(cancel(3))
    bed.task.read(command(4))
    await until(bed, () => bed.task.ledger().some(({ state }) => state === 'STARTED') || results(bed.task).length === 3)
    bed.task.crash()
    await bed.task.settle()
    expectNoSecrets(bed)
  })

  it.each([
    [
      'an invalid card',
      { version: 'v1', status: 'active', user: HOLDER, card: { ...NUMBERS, cvv: '91' } },
      '1:INVALID_CARD/invalid_card_data',
    ],
    [
      'a foreign card',
      {
        version: 'v1',
        status: 'active',
        user: { ...HOLDER, address: { ...HOLDER.address, country: 'DE' } },
        card: NUMBERS,
      },
      '1:NOT_SENT/unsupported_region',
    ],
    [
      'a closed card with all its data',
      { version: 'v1', status: 'closed', user: HOLDER, card: NUMBERS },
      '1:NOT_SENT/inactive_card',
    ],
  ])('%s of the vault', async (_, body, result) => {
    real = await realHttp()
    real.vaultAnswer = { status: 200, body }
    const bed = await bedOn(real)
    bed.task.read(command(1))
    await until(bed, () => results(bed.task).length === 1)
    expect(results(bed.task)).toEqual([result])
    expectNoSecrets(bed)
  })

  it('a vault that answers nonsense with card data in it', async () => {
    real = await realHttp()
    real.vaultAnswer = { status: 200, body: `{"card": ${echo}` }
    const bed = await bedOn(real)
    bed.task.read(command(1))
    await until(bed, () => bed.task.durable.timers.size > 0)
    expect(bed.seen.metrics.notAccepted).toEqual(['vault_bad_answer'])
    expectNoSecrets(bed)
  })
})

describe('the search itself', () => {
  it('finds what it looks for', async () => {
    const bed = await provisionBed()
    bed.seen.lines.push({ number: CANARY_PAN })
    expect(() => expectNoSecrets(bed)).toThrow()
  })
})
