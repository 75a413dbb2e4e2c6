import { describe, expect, inject, test } from 'vitest'
import { ciFile, render } from './chart.ts'
import type { Manifest } from './chart.ts'

const helm = inject('helm')

interface Rule {
  readonly ports: readonly { readonly protocol: string; readonly port: number | string }[]
  readonly to?: readonly { readonly ipBlock?: { readonly cidr: string } }[]
}

async function policiesOf(scenario: string): Promise<ReadonlyMap<string, readonly Rule[]>> {
  const rendering = await render(helm, [ciFile(scenario)])
  if (rendering.refusal !== null) throw new Error(rendering.refusal)
  const policies = rendering.manifests.filter(({ kind }) => kind === 'NetworkPolicy')
  return new Map(policies.map(policy => [policy.metadata.name.replace('r-onfile-', ''), egressOf(policy)]))
}

function egressOf({ spec }: Manifest): readonly Rule[] {
  const { egress, policyTypes } = spec as unknown as { egress: readonly Rule[]; policyTypes: readonly string[] }
  expect(policyTypes).toEqual(['Ingress', 'Egress'])
  return egress
}

/** `10.0.0.0/24:9093`, `*:443`. Without the name service and the pods of the release. */
function targets(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ ports, to }) =>
    ports.flatMap(({ port }) =>
      port === 53 || port === 9400
        ? []
        : (to ?? [{ ipBlock: { cidr: '*' } }]).map(({ ipBlock }) => `${ipBlock!.cidr}:${port}`),
    ),
  )
}

const BUS = ['10.20.0.0/24:9093', '10.20.1.10/32:443']

describe.runIf(helm !== '')('network policies', () => {
  test('let only the provisioner reach the vault and Knot, and only the processor the directory', async () => {
    const policies = await policiesOf('sasl-ssl')
    expect(targets(policies.get('processor')!)).toEqual([...BUS, '10.30.0.10/32:8443'])
    expect(targets(policies.get('provisioner')!)).toEqual([...BUS, '10.40.0.10/32:8443', '203.0.113.0/24:443'])
    expect(targets(policies.get('bootstrap')!)).toEqual(BUS)
  })

  test('take the ports from the configuration', async () => {
    const policies = await policiesOf('mtls')
    expect(targets(policies.get('provisioner')!)).toEqual([
      ...['10.20.0.0/24:9094', '10.20.1.10/32:8444'],
      ...['10.40.0.10/32:8443', '203.0.113.0/24:443', '203.0.113.0/24:8443'],
    ])
    expect(targets(policies.get('processor')!)).toEqual([
      '10.20.0.0/24:9094',
      '10.20.1.10/32:8444',
      '10.30.0.10/32:8443',
    ])
  })

  test('add what somebody adds, for all or for the provisioner', async () => {
    const policies = await policiesOf('split-roles')
    const all = '10.9.0.0/16:4318'
    const provisioner = '10.8.0.1/32:3128'
    expect(targets(policies.get('ingest')!)).toContain(all)
    expect(targets(policies.get('processor')!)).not.toContain(provisioner)
    expect(targets(policies.get('provisioner')!)).toEqual(expect.arrayContaining([all, provisioner]))
    expect(targets(policies.get('processor')!)).toEqual(['*:9092', '*:8081', all])
  })
})
