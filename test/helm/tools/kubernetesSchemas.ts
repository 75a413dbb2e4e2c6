import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { cached } from './cache.ts'
import { moduleDirectory } from './goTools.ts'

const KUBERNETES = 'v1.36.3'
/** Modules that hold custom resource definitions, and where. */
const DEFINITIONS = [
  ['github.com/prometheus-operator/prometheus-operator@v0.85.0', 'example/prometheus-operator-crd'],
  ['github.com/kedacore/keda/v2@v2.21.0', 'config/crd/bases'],
] as const

interface Schema {
  [keyword: string]: unknown
  properties?: Record<string, Schema>
}

interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/**
 * Strict JSON schemas of Kubernetes' own kinds and of those of KEDA and the Prometheus operator, one file per kind, for
 * kubeconform: made once out of Go modules, since the public place of ready ones cannot be relied on by a test.
 */
export function kubernetesSchemas(): Promise<string> {
  return cached(`schemas-${KUBERNETES}`, async target => {
    const source = await moduleDirectory(`k8s.io/kubernetes@${KUBERNETES}`)
    const folders = await Promise.all(
      DEFINITIONS.map(async ([module, folder]) => join(await moduleDirectory(module), folder)),
    )
    mkdirSync(target)
    writeBuiltIn(target, join(source, 'api/openapi-spec/swagger.json'))
    for (const folder of folders) writeCustom(target, folder)
  })
}

function writeBuiltIn(target: string, swagger: string): void {
  const { definitions } = JSON.parse(readFileSync(swagger, 'utf8')) as { definitions: Record<string, Schema> }
  const closed = mapValues(definitions, closedSchema)
  closed['io.k8s.apimachinery.pkg.util.intstr.IntOrString'] = { type: ['string', 'integer'] }
  closed['io.k8s.apimachinery.pkg.api.resource.Quantity'] = { type: ['string', 'number'] }
  writeFileSync(join(target, '_definitions.json'), JSON.stringify({ definitions: closed }))
  for (const schema of Object.values(closed)) {
    const kinds = schema['x-kubernetes-group-version-kind'] as readonly GroupVersionKind[] | undefined
    if (kinds?.length !== 1) continue
    const text = JSON.stringify({ ...schema, required: ['apiVersion', 'kind'] })
    writeFileSync(
      join(target, fileOf(kinds[0]!)),
      text.replaceAll('"#/definitions/', '"_definitions.json#/definitions/'),
    )
  }
}

interface CustomResource {
  readonly kind?: string
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string }
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[]
  }
}

function writeCustom(target: string, folder: string): void {
  for (const name of readdirSync(folder).filter(name => name.endsWith('.yaml'))) {
    for (const document of parseAllDocuments(readFileSync(join(folder, name), 'utf8'))) {
      const resource = document.toJS() as CustomResource | null
      if (resource?.kind !== 'CustomResourceDefinition') continue
      const { group, names, versions } = resource.spec
      for (const { name: version, schema } of versions) {
        const closed = closedSchema(schema.openAPIV3Schema)
        closed.properties = { ...closed.properties, metadata: { type: 'object' } }
        writeFileSync(join(target, fileOf({ group, version, kind: names.kind })), JSON.stringify(closed))
      }
    }
  }
}

/** As kubeconform asks: `{{.ResourceKind}}{{.KindSuffix}}.json`. */
function fileOf({ group, version, kind }: GroupVersionKind): string {
  const suffix = group === '' ? version : `${group.split('.')[0]}-${version}`
  return `${kind}-${suffix}.json`.toLowerCase()
}

/** Unknown fields become errors, and Kubernetes' own dialect becomes plain JSON schema. */
function closedSchema(schema: Schema): Schema {
  const closed: Schema = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'properties') closed.properties = mapValues(value as Record<string, Schema>, closedSchema)
    else if (Array.isArray(value))
      closed[keyword] = value.map((item: unknown) => (isSchema(item) ? closedSchema(item) : item))
    else closed[keyword] = isSchema(value) && keyword !== 'default' ? closedSchema(value) : value
  }
  if (schema['x-kubernetes-int-or-string'] === true || schema.format === 'int-or-string') {
    for (const keyword of ['format', 'anyOf', 'pattern']) Reflect.deleteProperty(closed, keyword)
    closed.type = ['string', 'integer']
  }
  if (closed.format !== 'date-time') delete closed.format
  const open = 'additionalProperties' in closed || closed['x-kubernetes-preserve-unknown-fields'] === true
  if (closed.properties !== undefined && !open) closed.additionalProperties = false
  if (closed.nullable === true && typeof closed.type === 'string') closed.type = [closed.type, 'null']
  return closed
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mapValues(table: Record<string, Schema>, change: (schema: Schema) => Schema): Record<string, Schema> {
  return Object.fromEntries(Object.entries(table).map(([name, schema]) => [name, change(schema)]))
}
