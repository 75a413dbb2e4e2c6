import { describe, expect, test } from 'vitest'
import { billOfMaterials } from '../../../scripts/supply/billOfMaterials.ts'
import type { Bom } from '../../../scripts/supply/billOfMaterials.ts'
import { productionPackages } from '../../../scripts/supply/lockedPackages.ts'

const component = (ref: string, licence?: string) => ({
  'bom-ref': ref,
  externalReferences: [{ type: 'distribution', url: 'https://packages.example/x.tgz' }],
  ...(licence === undefined ? {} : { licenses: [{ license: { id: licence } }] }),
})

/** As npm writes it of everything: `shared` is needed by what runs and by a tool. */
const everything: Bom = {
  serialNumber: 'urn:uuid:1',
  metadata: { timestamp: '2026-01-01T00:00:00Z', component: { name: 'some-directory' } },
  components: [component('runs@1.0.0', 'MIT'), component('shared@2.0.0', 'ISC'), component('tool@3.0.0', 'MIT')],
  dependencies: [
    { ref: 'onfile@0.1.0', dependsOn: ['runs@1.0.0', 'tool@3.0.0'] },
    { ref: 'runs@1.0.0', dependsOn: ['shared@2.0.0'] },
    { ref: 'shared@2.0.0', dependsOn: [] },
    { ref: 'tool@3.0.0', dependsOn: ['shared@2.0.0'] },
  ],
}
const production = productionPackages({
  packages: {
    '': {},
    'node_modules/runs': { version: '1.0.0', license: 'MIT' },
    'node_modules/shared': { version: '2.0.0', license: 'ISC' },
    'node_modules/tool': { version: '3.0.0', license: 'MIT', dev: true },
  },
})

describe('the SBOM', () => {
  const bom = billOfMaterials(everything, production, 'onfile')

  test('names what runs, what a tool needs as well included, and no tool', () => {
    expect(bom.components.map(found => found['bom-ref'])).toEqual(['runs@1.0.0', 'shared@2.0.0'])
    expect(bom.dependencies).toEqual([
      { ref: 'onfile@0.1.0', dependsOn: ['runs@1.0.0'] },
      { ref: 'runs@1.0.0', dependsOn: ['shared@2.0.0'] },
      { ref: 'shared@2.0.0', dependsOn: [] },
    ])
  })

  test('says nothing of when, where and from which registry it was made', () => {
    expect(JSON.stringify(bom)).not.toMatch(/urn:uuid|timestamp|some-directory|packages\.example/)
    expect(bom.metadata.component.name).toBe('onfile')
  })

  test('names the licence that a person read where the manifest declares none', () => {
    const ref = '@kafkajs/confluent-schema-registry@4.1.0'
    const path = 'node_modules/@kafkajs/confluent-schema-registry'
    const undeclared = productionPackages({ packages: { [path]: { version: '4.1.0' } } })
    const { components } = billOfMaterials({ ...everything, components: [component(ref)] }, undeclared, 'onfile')
    expect(components).toEqual([{ 'bom-ref': ref, licenses: [{ license: { id: 'MIT' } }] }])
  })

  test('is not handed out where a package that runs is missing', () => {
    const lacking = { ...everything, components: everything.components.slice(0, 1) }
    expect(() => billOfMaterials(lacking, production, 'onfile')).toThrow(/lacks shared@2\.0\.0/)
  })
})
