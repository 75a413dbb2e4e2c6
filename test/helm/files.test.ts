import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { describe, expect, test } from 'vitest'
import { chartFiles } from '../../helm/build/chartFiles.ts'
import { CONFIG_KEYS } from '../../src/config/keys.ts'
import { valuesSchema } from '../../helm/build/valuesSchema.ts'
import { chartDirectory, SCENARIOS } from './chart.ts'

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: unknown
  readonly $ref?: string
}

const root = new URL('../../', import.meta.url)
const version = (JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }).version

describe('files of the chart that are made of something else', () => {
  test.each([...chartFiles()])('%s is what `npm run docs` writes', (path, content) => {
    expect(readFileSync(join(chartDirectory, path), 'utf8')).toBe(content)
  })

  test('there are no others in files/', () => {
    const present = readdirSync(join(chartDirectory, 'files'), { recursive: true, encoding: 'utf8' })
      .filter(name => /\.\w+$/.test(name))
      .map(name => `files/${name}`)
    const made = [...chartFiles().keys()].filter(path => path.startsWith('files/'))
    expect(present.toSorted()).toEqual(made.toSorted())
  })
})

describe('values.schema.json', () => {
  const schema = valuesSchema() as unknown as Schema & { readonly definitions: Readonly<Record<string, Schema>> }
  const at = (path: string): Schema | undefined =>
    path.split('.').reduce<Schema | undefined>((group, name) => group?.properties?.[name], schema.definitions.config)

  test('knows every setting, but secrets only as files', () => {
    for (const { path, description } of CONFIG_KEYS) {
      const isSecret = description.secret === true
      expect(at(path) === undefined, path).toBe(isSecret)
      if (isSecret) expect(at(`${path}File`), path).toMatchObject({ type: ['string', 'null'] })
    }
  })

  test('has no regular expression that Go cannot read', () => {
    expect(JSON.stringify(schema)).not.toMatch(/\(\?[!=<]/)
  })

  test('describes every default of values.yaml', () => {
    const values = parse(readFileSync(join(chartDirectory, 'values.yaml'), 'utf8')) as object
    expect(undescribed(values, schema, '')).toEqual([])
  })

  /** Paths of values that the schema does not name where it names all that may be there. */
  function undescribed(values: object, part: Schema, prefix: string): string[] {
    const resolved = part.$ref === undefined ? part : schema.definitions[part.$ref.split('/').at(-1)!]!
    if (resolved.properties === undefined) return []
    return Object.entries(values).flatMap(([name, value]: [string, unknown]) => {
      const inner = resolved.properties![name]
      if (inner === undefined) return [prefix + name]
      const isTable = typeof value === 'object' && value !== null && !Array.isArray(value)
      return isTable ? undescribed(value, inner, `${prefix}${name}.`) : []
    })
  }
})

describe('Chart.yaml', () => {
  test('installs this release', () => {
    const chart = parse(readFileSync(join(chartDirectory, 'Chart.yaml'), 'utf8')) as { appVersion: string }
    expect(chart.appVersion).toBe(version)
  })

  test('has a scenario of the tests for every file in ci/', () => {
    const files = readdirSync(join(chartDirectory, 'ci')).map(name => name.replace('-values.yaml', ''))
    expect(files.toSorted()).toEqual([...SCENARIOS].toSorted())
  })
})
