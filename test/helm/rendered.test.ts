import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { ciFile, render, SCENARIOS } from './chart.ts'
import type { Manifest } from './chart.ts'
import { containersOf, expanded, POD_NAME, podsOf, secretPaths } from './pods.ts'
import type { Pod } from './pods.ts'

const helm = inject('helm')
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'onfile-chart-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** The environment of a pod's container, with what is mounted into it laid out on this machine. */
function environmentOf(pod: Pod, manifests: readonly Manifest[]): Record<string, string> {
  const configMap = pod.spec.volumes.find(({ name }) => name === 'config')!.configMap!.name
  const config = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMap)!
  const place = mkdtempSync(join(directory, 'pod-'))
  writeFileSync(join(place, 'onfile.yaml'), config.data!['onfile.yaml']!)
  for (const path of secretPaths(pod)) {
    writeFileSync(join(place, path), path.includes('.ssl.') ? '-----BEGIN CERTIFICATE-----\n' : 'a-secret\n')
  }
  const { env = [] } = pod.spec.containers[0]!
  const mounted = (value: string): string => value.replace(/^\/etc\/onfile\/(config|secrets)/, place)
  return Object.fromEntries(env.map(({ name, value }) => [name, mounted(expanded(value ?? POD_NAME))]))
}

describe.runIf(helm !== '').each(SCENARIOS)('the chart in scenario %s', scenario => {
  let manifests: readonly Manifest[]
  let pods: readonly Pod[]
  beforeAll(async () => {
    const rendering = await render(helm, [ciFile(scenario)])
    if (rendering.refusal !== null) throw new Error(rendering.refusal)
    manifests = rendering.manifests
    pods = podsOf(manifests)
  })

  test('gives every pod a configuration that onfile accepts', () => {
    for (const pod of pods) {
      const config = loadConfig({ environment: environmentOf(pod, manifests) }, 'run')
      const roles = {
        ingest: ['ingest'],
        bootstrap: ['decide'],
        provisioner: ['provision'],
        processor: scenario === 'split-roles' ? ['decide'] : ['ingest', 'decide'],
      }[pod.component.replace('-check', '')]
      expect(config.roles, pod.of).toEqual(roles)
    }
  })

  test('lets only the provisioner know the secrets of Knot and of the vault', () => {
    for (const pod of pods) {
      const isProvisioner = pod.component.startsWith('provisioner')
      const paths = secretPaths(pod)
      expect(paths.includes('knot.secret'), pod.of).toBe(isProvisioner)
      if (!isProvisioner) expect(paths, pod.of).not.toContain('vault.token')
      const certificates = paths.filter(path => /^(vault|knot)\.ssl\./.test(path))
      if (!isProvisioner) expect(certificates, pod.of).toEqual([])
      const config = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && pod.of.endsWith(metadata.name))
      if (!isProvisioner) expect(config?.data?.['onfile.yaml'] ?? '', pod.of).not.toContain('knot:')
      expect(pod.spec.serviceAccountName.endsWith('provisioner'), pod.of).toBe(isProvisioner)
    }
  })

  test('runs every container without privileges, on a file system that it cannot write', () => {
    expect(pods.length).toBeGreaterThan(3)
    for (const pod of pods) {
      expect(pod.spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 10001,
          fsGroupChangePolicy: 'OnRootMismatch',
          seccompProfile: { type: 'RuntimeDefault' },
        },
      })
      for (const container of containersOf(pod)) {
        expect(container.securityContext, pod.of).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        expect(container.resources.limits, pod.of).not.toHaveProperty('cpu')
        expect(container.resources.limits, pod.of).toHaveProperty('memory')
        for (const { name } of container.volumeMounts ?? []) {
          expect([...pod.spec.volumes.map(volume => volume.name), 'state'], pod.of).toContain(name)
        }
      }
    }
  })

  test('selects with a workload only its own pods', () => {
    const selectors = manifests.filter(({ kind }) => ['Service', 'StatefulSet', 'Deployment'].includes(kind))
    expect(selectors.length).toBeGreaterThan(3)
    for (const { kind, metadata, spec } of selectors) {
      const { selector } = spec as unknown as { selector: { matchLabels?: object } }
      const labels = Object.entries(selector.matchLabels ?? selector)
      const chosen = pods.filter(pod => labels.every(([name, value]) => pod.labels[name] === value))
      expect(
        chosen.map(pod => pod.component),
        `${kind}/${metadata.name}`,
      ).toEqual([metadata.name.replace('r-onfile-', '')])
    }
  })

  test('looks at every workload with helm test', () => {
    const looking = pods.filter(pod => pod.component.endsWith('-check')).map(pod => pod.component.replace('-check', ''))
    const workloads = pods.filter(pod => /^(StatefulSet|Deployment)/.test(pod.of)).map(pod => pod.component)
    expect(looking.toSorted()).toEqual(workloads.toSorted())
  })
})
