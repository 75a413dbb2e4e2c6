import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { renewedCard, testCard, testPerson } from '../../../../sandbox/people.ts'
import { startVault } from '../../../../sandbox/vault/vaultServer.ts'
import type { Vault } from '../../../../sandbox/vault/vaultServer.ts'
import { CardVault } from '../../../../src/vault/cardVault.ts'

const user = testPerson(3)
const card = testCard(3)
const cardRef = 'card/3 ü'

let vault: Vault
const get = async (path: string, token = vault.token): Promise<{ status: number; body: unknown }> => {
  const answer = await fetch(vault.url + path, { headers: { authorization: `Bearer ${token}` } })
  return { status: answer.status, body: await answer.json() }
}
const path = `/cards/${encodeURIComponent(cardRef)}`

beforeEach(async () => {
  vault = await startVault()
  vault.put({ cardRef, userId: 'user-3', user, card, cardName: 'Gold' })
})
afterEach(() => vault.stop())

test('a card, its status and its owner', async () => {
  const head = { card_ref: cardRef, version: '1', status: 'active' }
  expect(await get(path)).toEqual({ status: 200, body: { ...head, user, card, card_name: 'Gold' } })
  expect(await get(`${path}/status`)).toEqual({ status: 200, body: head })
  expect(await get(`${path}/owner`)).toEqual({ status: 200, body: { user_id: 'user-3' } })
})

test.each(['', '/status', '/owner'])('an unknown card is 404, a wrong token 401: %s', async suffix => {
  expect(await get(`/cards/none${suffix}`)).toMatchObject({ status: 404 })
  expect(await get(path + suffix, 'wrong')).toMatchObject({ status: 401 })
})

test('a reissue raises the version, a change of status does not', async () => {
  const renewed = renewedCard(card)
  vault.reissue(cardRef, renewed)
  expect((await get(path)).body).toMatchObject({ version: '2', status: 'active', card: renewed, user })
  vault.setStatus(cardRef, 'closed')
  expect((await get(`${path}/status`)).body).toMatchObject({ version: '2', status: 'closed' })
  vault.remove(cardRef)
  expect(await get(path)).toMatchObject({ status: 404 })
})

test('a card that is not there cannot be reissued', () => {
  expect(() => vault.reissue('none', card)).toThrow('put it first')
})

test('an outage and slowness can be switched on and off', async () => {
  vault.setOutage(true)
  expect(await get(path)).toMatchObject({ status: 503 })
  vault.setOutage(false)
  vault.setDelay(100)
  const startedAtMs = Date.now()
  expect(await get(path)).toMatchObject({ status: 200 })
  expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(95)
  expect(vault.requests().map(({ status }) => status)).toEqual([503, 200])
})

test("onfile's own client reads it", async () => {
  const client = new CardVault({ url: vault.url, token: vault.token, timeoutMs: 1000 })
  try {
    const answer = await client.card(cardRef)
    expect(answer).toMatchObject({ kind: 'card', status: 'active', version: '1' })
    expect(answer.kind === 'card' && answer.card?.reveal().card).toEqual(card)
    expect(await client.status('none')).toEqual({ kind: 'unknown' })
  } finally {
    await client.close()
  }
})

interface Schema {
  readonly properties?: Record<string, Schema>
  readonly required?: readonly string[]
  readonly allOf?: readonly Schema[]
  readonly $ref?: string
}
interface OpenApi {
  readonly paths: Record<
    string,
    { get: { responses: Record<string, { content: Record<string, { schema: Schema }> }> } }
  >
  readonly components: { schemas: Record<string, Schema> }
}

test('docs/vault-openapi.yaml describes every answer, field for field', async () => {
  const document = parse(
    readFileSync(new URL('../../../../docs/vault-openapi.yaml', import.meta.url), 'utf8'),
  ) as OpenApi
  const resolve = (schema: Schema): Schema => {
    const named = schema.$ref?.split('/').at(-1)
    return named === undefined ? schema : document.components.schemas[named]!
  }
  const mismatches = (schema: Schema, value: unknown, at: string): string[] => {
    const parts = (resolve(schema).allOf ?? [schema]).map(resolve)
    const properties = Object.assign({}, ...parts.map(part => part.properties)) as Record<string, Schema>
    const required = parts.flatMap(part => part.required ?? [])
    if (Object.keys(properties).length === 0) return []
    const fields = value as Record<string, unknown>
    return [
      ...required.filter(name => !(name in fields)).map(name => `${at}.${name} is missing`),
      ...Object.entries(fields).flatMap(([name, field]) => {
        const property = properties[name]
        return property === undefined
          ? [`${at}.${name} is not documented`]
          : mismatches(property, field, `${at}.${name}`)
      }),
    ]
  }
  const documented = Object.entries(document.paths)
  expect(documented.map(([template]) => template)).toEqual(
    ['', '/status', '/owner'].map(end => `/cards/{card_ref}${end}`),
  )
  for (const [template, { get: operation }] of documented) {
    const { body } = await get(template.replace('{card_ref}', encodeURIComponent(cardRef)))
    const schema = operation.responses['200']!.content['application/json']!.schema
    expect(mismatches(schema, body, template)).toEqual([])
  }
})
