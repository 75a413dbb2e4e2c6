import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectRecords } from '../../../src/avro/records.ts'
import { SchemaRegistry } from '../../../src/avro/registry.ts'
import type { RegistryOptions } from '../../../src/avro/registryHttp.ts'
import { schemaCheck, schemaRegister } from '../../../src/avro/subjects.ts'

/** The part of a registry that is asked, with a switch for each way to misbehave. The real one: test/broker/avro. */
let server: Server
let url: string
let requests: { readonly line: string; readonly authorization: string | undefined }[]
let schemas: Map<number, { schema: string; schemaType?: string; references?: unknown }>
let subjects: Map<string, number[]>
let compatible: boolean
let misbehave: ((response: ServerResponse, line: string) => boolean) | undefined
const open: SchemaRegistry[] = []

const RECORD = JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'a', type: 'string' }] })
const TOPICS = { userEvents: 'ue', provisioningCommands: 'pc', cardOutcomes: 'co', cardSuppressions: 'cs' }

beforeEach(async () => {
  requests = []
  schemas = new Map([[1, { schema: RECORD }]])
  subjects = new Map()
  compatible = true
  misbehave = undefined
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const line = `${request.method!} ${request.url!}`
      requests.push({ line, authorization: request.headers.authorization })
      if (misbehave?.(response, line) !== true) answer(response, line, body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  await Promise.all(open.splice(0).map(registry => registry.close()))
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

function answer(response: ServerResponse, line: string, body: string): void {
  const id = /^GET \/schemas\/ids\/(\d+)$/.exec(line)?.[1]
  const subject = decodeURIComponent(/\/subjects\/([^/?]+)/.exec(line)?.[1] ?? '')
  const posted = body === '' ? '' : ((JSON.parse(body) as { schema?: string }).schema ?? '')
  const ids = subjects.get(subject)
  if (id !== undefined) {
    const schema = schemas.get(Number(id))
    return schema === undefined
      ? json(response, 404, { error_code: 40403, message: 'Schema not found' })
      : json(response, 200, schema)
  }
  if (line.startsWith('POST /compatibility'))
    return json(response, 200, { is_compatible: compatible, messages: compatible ? [] : ['field gone'] })
  if (line.startsWith('PUT /config')) return json(response, 200, {})
  if (/^POST .*\/versions$/.test(line)) {
    if (!compatible) return json(response, 409, { error_code: 409, message: 'incompatible' })
    const added = schemas.size + 1
    schemas.set(added, { schema: posted })
    subjects.set(subject, [...(ids ?? []), added])
    return json(response, 200, { id: added })
  }
  if (ids === undefined) return json(response, 404, { error_code: 40401, message: 'Subject not found' })
  if (line.endsWith('/versions/latest')) return json(response, 200, { id: ids.at(-1), version: ids.length })
  const found = ids.find(each => schemas.get(each)!.schema === posted)
  return found === undefined
    ? json(response, 404, { error_code: 40403, message: 'Schema not found' })
    : json(response, 200, { id: found })
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(body))
}

function registryOf(options: Partial<RegistryOptions> = {}): SchemaRegistry {
  const registry = new SchemaRegistry({ url, timeoutMs: 300, attempts: 1, ...options })
  open.push(registry)
  return registry
}

describe('a schema by its id', () => {
  it('is fetched once, however many want it', async () => {
    const registry = registryOf()
    const types = await Promise.all([registry.typeById(1), registry.typeById(1)])
    types.push(await registry.typeById(1))
    expect(new Set(types).size).toBe(1)
    expect(types[0].name).toBe('R')
    expect(requests).toHaveLength(1)
  })

  it('tells what each request came to', async () => {
    const calls: string[] = []
    const registry = registryOf({ onCall: (operation, kind) => calls.push(`${operation} ${kind}`), unknownTtlMs: 1 })
    await registry.typeById(1)
    await registry.typeById(1)
    await registry.typeById(9).catch(() => undefined)
    await registry.latestId('nobody')
    for (const status of [401, 503]) {
      misbehave = response => {
        json(response, status, {})
        return true
      }
      await registry.typeById(8).catch(() => undefined)
      await registry.latestId('nobody').catch(() => undefined)
    }
    expect(calls).toEqual([
      ...['schema found', 'schema unknown', 'subject unknown'],
      ...['schema unauthorized', 'subject unauthorized', 'schema unavailable', 'subject unavailable'],
    ])
  })

  it('that the registry does not know is asked for once in a while', async () => {
    const patient = registryOf({ unknownTtlMs: 60_000 })
    await expect(patient.typeById(9)).rejects.toMatchObject({ code: 'unknown_schema', schemaId: 9 })
    const asked = requests.length
    await expect(patient.typeById(9)).rejects.toMatchObject({ code: 'unknown_schema' })
    expect(requests).toHaveLength(asked)
    const registry = registryOf({ unknownTtlMs: 30 })
    await expect(registry.typeById(9)).rejects.toMatchObject({ code: 'unknown_schema' })
    schemas.set(9, { schema: RECORD })
    const name = () =>
      registry.typeById(9).then(
        type => type.name,
        () => null,
      )
    await expect.poll(name, { timeout: 10_000 }).toBe('R')
  })

  const unreadable: [string, { schema: string; schemaType?: string; references?: unknown }][] = [
    ['JSON Schema', { schema: '{"type":"object"}', schemaType: 'JSON' }],
    ['Protobuf', { schema: 'syntax = "proto3"; message A { string a = 1; }', schemaType: 'PROTOBUF' }],
    ['no valid Avro', { schema: '{"type":"nonsense"}' }],
    ['no JSON', { schema: 'nonsense' }],
    [
      'a reference to a schema that is gone',
      { schema: '"other.R"', references: [{ name: 'other.R', subject: 'gone', version: 1 }] },
    ],
  ]
  it.each(unreadable)('that is %s is unknown', async (_what, schema) => {
    schemas.set(5, schema)
    await expect(registryOf().typeById(5)).rejects.toMatchObject({ code: 'unknown_schema' })
  })

  it('may refer to another subject', async () => {
    schemas.set(5, {
      schema: '{"type":"record","name":"S","fields":[{"name":"r","type":"R"}]}',
      references: [{ name: 'R', subject: 'r', version: 1 }],
    })
    misbehave = (response, line) => {
      if (!line.startsWith('GET /subjects/r/versions/1')) return false
      json(response, 200, { id: 1, version: 1, schema: RECORD })
      return true
    }
    expect((await registryOf().typeById(5)).toBuffer({ r: { a: 'x' } })).toEqual(Buffer.from([2, 0x78]))
  })
})

const outages: [string, (response: ServerResponse) => void][] = [
  ['answers 500', response => json(response, 500, { error_code: 50001, message: 'store' })],
  ['answers 429', response => json(response, 429, {})],
  ['answers 401', response => json(response, 401, {})],
  ['answers 403', response => json(response, 403, {})],
  [
    'answers 404 as a web server does',
    response => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>'),
  ],
  [
    'answers 404 for a path that it does not have',
    response => json(response, 404, { error_code: 404, message: 'no resource for full path' }),
  ],
  ['answers 404 with other JSON', response => json(response, 404, { error: 'no route' })],
  ['answers 404 with nothing', response => response.writeHead(404).end()],
  [
    'answers 200 with the page of a proxy',
    response => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  ],
  ['closes the connection', response => response.destroy()],
  [
    'closes the connection inside the answer',
    response => response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy()),
  ],
  ['never answers', () => undefined],
]

describe('a registry that', () => {
  it.each(outages)('%s is an outage for every look-up, never an unknown schema', async (_what, outage) => {
    misbehave = response => {
      outage(response)
      return true
    }
    const registry = registryOf()
    const unavailable = expect.objectContaining({ code: 'registry_unavailable', retryable: true }) as unknown
    await expect(registry.typeById(1)).rejects.toEqual(unavailable)
    await expect(registry.latestId('s')).rejects.toEqual(unavailable)
    await expect(registry.idOf('s', RECORD)).rejects.toEqual(unavailable)
    await expect(registry.register('s', RECORD)).rejects.toEqual(unavailable)
    misbehave = undefined
    expect((await registry.typeById(1)).name).toBe('R')
  })

  it('is not there is an outage', async () => {
    const registry = registryOf({ url: 'http://127.0.0.1:9' })
    await expect(registry.typeById(1)).rejects.toMatchObject({ code: 'registry_unavailable' })
    await expect(registry.latestId('s')).rejects.toThrow('ECONNREFUSED')
  })

  it('sends its answer drop by drop is an outage in the end', async () => {
    misbehave = response => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const drops = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(drops))
      return true
    }
    await expect(registryOf({ timeoutMs: 150 }).typeById(1)).rejects.toMatchObject({ code: 'registry_unavailable' })
  })

  it('fails for a moment is asked again', async () => {
    let failures = 2
    misbehave = response => {
      if (failures-- <= 0) return false
      json(response, 503, {})
      return true
    }
    expect((await registryOf({ attempts: 3 }).typeById(1)).name).toBe('R')
    expect(requests).toHaveLength(3)
  })

  const auth: [string, RegistryOptions['auth'], string | undefined][] = [
    ['nothing', undefined, undefined],
    ['a bearer token', { kind: 'bearer', token: 't' }, 'Bearer t'],
    ['a user and a password', { kind: 'basic', username: 'u', password: 'p' }, 'Basic dTpw'],
  ]
  it.each(auth)('wants %s gets it with every request', async (_what, given, header) => {
    const registry = registryOf(given === undefined ? {} : { auth: given })
    await registry.typeById(1)
    await registry.latestId('s')
    expect(requests.map(request => request.authorization)).toEqual([header, header])
  })
})

describe('the subjects of the records', () => {
  it('are missing at first, and registered then, once', async () => {
    const registry = registryOf()
    expect((await schemaCheck(registry, TOPICS)).map(({ subject, state }) => `${subject} ${state}`)).toEqual([
      'ue-value missing',
      'pc-value missing',
      'co-value missing',
      'cs-value missing',
    ])
    const states = await schemaRegister(registry, TOPICS)
    expect(states.map(({ state }) => state)).toEqual(['registered', 'registered', 'registered', 'registered'])
    const before = schemas.size
    expect(await schemaRegister(registry, TOPICS)).toEqual(states)
    expect(schemas.size).toBe(before)
    expect(requests.filter(({ line }) => line.startsWith('PUT /config/ue-value')).length).toBeGreaterThan(0)
  })

  it('are refused by name while they are missing or different', async () => {
    const registry = registryOf()
    await expect(connectRecords(registry, TOPICS)).rejects.toMatchObject({
      code: 'schema_missing',
      subject: 'ue-value',
      message: expect.stringContaining('onfile schemas register') as string,
    })
    subjects.set('ue-value', [1])
    await expect(connectRecords(registry, TOPICS)).rejects.toMatchObject({
      code: 'schema_different',
      subject: 'ue-value',
    })
  })

  it('are registered by connecting where so configured', async () => {
    const registry = registryOf()
    const codecs = await connectRecords(registry, TOPICS, { autoRegister: true })
    expect(codecs.userEvents.schemaId).toBe(2)
    expect((await connectRecords(registry, TOPICS)).cardOutcomes.schemaId).toBe(codecs.cardOutcomes.schemaId)
  })

  it('are guarded before a new version goes in', async () => {
    subjects.set('ue-value', [1])
    await schemaRegister(registryOf(), TOPICS)
    const lines = requests.map(({ line }) => line)
    expect(lines.indexOf('PUT /config/ue-value')).toBeLessThan(lines.indexOf('POST /subjects/ue-value/versions'))
  })

  it('that another system wrote are refused', async () => {
    subjects.set('ue-value', [1])
    compatible = false
    const registry = registryOf()
    expect((await schemaCheck(registry, TOPICS))[0]).toMatchObject({
      state: 'different',
      incompatibilities: ['field gone'],
    })
    await expect(schemaRegister(registry, TOPICS)).rejects.toMatchObject({
      code: 'schema_incompatible',
      message: expect.stringContaining('field gone') as string,
    })
    expect(requests.some(({ line }) => line.startsWith('PUT'))).toBe(false)
  })
})
