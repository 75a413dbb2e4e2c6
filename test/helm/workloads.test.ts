import { describe, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { ciFile, render } from './chart.ts'
import type { Manifest } from './chart.ts'
import { podsOf } from './pods.ts'
import type { Pod } from './pods.ts'

const helm = inject('helm')

async function manifestsOf(scenario: string, values: object = {}): Promise<readonly Manifest[]> {
  const rendering = await render(helm, [ciFile(scenario)], values)
  if (rendering.refusal !== null) throw new Error(rendering.refusal)
  return rendering.manifests
}

const find = (manifests: readonly Manifest[], kind: string, name: string): Manifest | undefined =>
  manifests.find(manifest => manifest.kind === kind && manifest.metadata.name === `r-onfile-${name}`)

const podOf = (manifests: readonly Manifest[], of: string): Pod => podsOf(manifests).find(pod => pod.of === of)!

describe.runIf(helm !== '')('workloads', () => {
  test('keep the names and volumes of their pods, and the partitions with the name', async () => {
    const manifests = await manifestsOf('minimal')
    for (const name of ['processor', 'provisioner']) {
      expect(find(manifests, 'StatefulSet', name)?.spec).toMatchObject({
        serviceName: `r-onfile-${name}`,
        podManagementPolicy: 'Parallel',
        replicas: 2,
        persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Delete' },
        volumeClaimTemplates: [{ metadata: { name: 'state' }, spec: { resources: { requests: { storage: '10Gi' } } } }],
      })
      expect(find(manifests, 'Service', name)?.spec).toMatchObject({ clusterIP: 'None' })
      const { env } = podOf(manifests, `StatefulSet/r-onfile-${name}`).spec.containers[0]!
      expect(env).toContainEqual({
        name: 'ONFILE_KAFKA_GROUP_INSTANCE_ID',
        valueFrom: { fieldRef: { fieldPath: 'metadata.name' } },
      })
    }
  })

  test('without stable names have no instance id, which two pods would share over a rollout', async () => {
    const { env } = podOf(await manifestsOf('split-roles'), 'Deployment/r-onfile-ingest').spec.containers[0]!
    expect(env?.map(({ name }) => name)).not.toContain('ONFILE_KAFKA_GROUP_INSTANCE_ID')
  })

  test('tell the others where each pod is reached, so that a look-up of a user finds the owner', async () => {
    const urls = async (values: object): Promise<(string | undefined)[]> => {
      const { env = [] } = podOf(await manifestsOf('minimal', values), 'StatefulSet/r-onfile-processor').spec
        .containers[0]!
      const before = env.findIndex(({ name }) => name === 'ONFILE_KAFKA_GROUP_INSTANCE_ID')
      // A variable can refer only to those that stand before it.
      return env.flatMap(({ name, value }, index) => {
        if (name !== 'ONFILE_ADMIN_ADVERTISED_URL') return []
        expect(index).toBeGreaterThan(before)
        return [value]
      })
    }
    const host = '$(ONFILE_KAFKA_GROUP_INSTANCE_ID).r-onfile-processor.pay.svc.cluster.local'
    expect(await urls({})).toEqual([`http://${host}:9400`])
    expect(await urls({ config: { admin: { advertisedUrl: 'https://admin.bank.example' } } })).toEqual([])
  })

  test('answer the task flow where that is enabled: beside the provisioner, where cards may be', async () => {
    const rolesOf = async (values: object) => {
      const manifests = await manifestsOf('minimal', values)
      return ['processor', 'provisioner'].map(name => {
        const { data } = find(manifests, 'ConfigMap', name) as unknown as { data: Record<string, string> }
        return (parse(data['onfile.yaml']!) as { roles: string[] }).roles
      })
    }
    expect(await rolesOf({})).toEqual([['ingest', 'decide'], ['provision']])
    expect(await rolesOf({ taskFlow: { enabled: true } })).toEqual([
      ['ingest', 'decide'],
      ['provision', 'switcher'],
    ])
  })

  test('are probed where the admin server answers', async () => {
    const [container] = podOf(await manifestsOf('minimal'), 'StatefulSet/r-onfile-processor').spec.containers
    expect(container).toMatchObject({
      ports: [{ name: 'admin', containerPort: 9400 }],
      startupProbe: { httpGet: { path: '/startupz', port: 'admin' } },
      livenessProbe: { httpGet: { path: '/livez', port: 'admin' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'admin' } },
    })
  })

  test('get new pods when their own configuration changes, and only then', async () => {
    const checksums = async (values: object): Promise<(string | undefined)[]> => {
      const manifests = await manifestsOf('minimal', values)
      return ['processor', 'provisioner'].map(
        name => podOf(manifests, `StatefulSet/r-onfile-${name}`).annotations['checksum/config'],
      )
    }
    const [processor, provisioner] = await checksums({})
    expect(processor).toMatch(/^[0-9a-f]{64}$/)
    expect(await checksums({ config: { knot: { concurrency: 7 } } })).toEqual([
      processor,
      expect.not.stringMatching(provisioner!),
    ])
    expect(await checksums({ rolloutOnConfigChange: false })).toEqual([undefined, undefined])
  })

  test('let a false and a 0 of one workload win over what all have', async () => {
    const manifests = await manifestsOf('minimal', {
      config: { log: { pretty: true }, policy: { retryScale: 2 } },
      processor: { config: { log: { pretty: false }, policy: { retryScale: 0 } } },
    })
    const yaml = (name: string): string => find(manifests, 'ConfigMap', name)!.data!['onfile.yaml']!
    expect(yaml('processor')).toMatch(/pretty: false[\s\S]*retryScale: 0/)
    expect(yaml('provisioner')).toMatch(/pretty: true[\s\S]*retryScale: 2/)
  })

  test('have a disruption budget from two pods on', async () => {
    const one = await manifestsOf('minimal', { processor: { replicas: 1 } })
    expect(find(one, 'PodDisruptionBudget', 'processor')).toBeUndefined()
    expect(find(one, 'PodDisruptionBudget', 'provisioner')?.spec).toMatchObject({ maxUnavailable: 1 })
  })

  test('take state from a claim or an empty directory where told', async () => {
    const manifests = await manifestsOf('split-roles')
    expect(find(manifests, 'StatefulSet', 'processor')?.spec).not.toHaveProperty('volumeClaimTemplates')
    const state = (of: string): object | undefined =>
      podOf(manifests, of).spec.volumes.find(({ name }) => name === 'state')
    expect(state('StatefulSet/r-onfile-processor')).toEqual({ name: 'state', emptyDir: { sizeLimit: '10Gi' } })
    expect(state('StatefulSet/r-onfile-provisioner')).toEqual({
      name: 'state',
      persistentVolumeClaim: { claimName: 'provisioner-state' },
    })
  })

  test('leave the number of pods to KEDA, which never goes to 0 and asks each input by name', async () => {
    const manifests = await manifestsOf('keda')
    expect(find(manifests, 'StatefulSet', 'processor')?.spec).not.toHaveProperty('replicas')
    const triggers = (name: string): (readonly [string, string])[] => {
      const { minReplicaCount, triggers } = find(manifests, 'ScaledObject', name)!.spec as unknown as {
        minReplicaCount: number
        triggers: readonly { metadata: { consumerGroup: string; topic: string } }[]
      }
      expect(minReplicaCount).toBeGreaterThan(0)
      // A number of pods for an outage of the brokers would move partitions in the middle of it.
      expect(find(manifests, 'ScaledObject', name)!.spec).not.toHaveProperty('fallback')
      return triggers.map(({ metadata }) => [metadata.consumerGroup, metadata.topic] as const)
    }
    expect(triggers('processor')).toEqual([
      ['cards-ingest', 'issuer.cards.lifecycle.v1'],
      ['cards-ingest', 'knot-events'],
      ['cards-decide', 'cards-user-events'],
    ])
    expect(triggers('provisioner')).toEqual([['cards-provision', 'provisioning-commands']])
  })

  test('take what a platform adds', async () => {
    const pod = podOf(await manifestsOf('split-roles'), 'Deployment/r-onfile-ingest')
    expect(pod.annotations).toMatchObject({ 'example.com/scan': 'true' })
    expect(pod.labels).toMatchObject({ 'example.com/tier': 'intake' })
    expect(pod.spec).toMatchObject({
      priorityClassName: 'payments',
      nodeSelector: { 'kubernetes.io/arch': 'amd64' },
      tolerations: [{ key: 'payments', operator: 'Exists' }],
      affinity: { podAntiAffinity: {} },
      topologySpreadConstraints: [{ whenUnsatisfiable: 'DoNotSchedule' }],
      initContainers: [{ name: 'wait' }],
      containers: [{ name: 'onfile', envFrom: [{ configMapRef: { name: 'r-more' } }] }, { name: 'beside' }],
    })
    expect(pod.spec.containers[0]?.env).toContainEqual({ name: 'ONFILE_LOG_LEVEL', value: 'debug' })
    expect(pod.spec.containers[0]?.volumeMounts).toContainEqual({ name: 'more', mountPath: '/more' })
    expect(pod.spec.volumes).toContainEqual({ name: 'more', emptyDir: {} })
  })

  test('take an image by digest from a mirror', async () => {
    const [container] = podOf(await manifestsOf('mtls'), 'StatefulSet/r-onfile-processor').spec.containers
    expect(container?.image).toMatch(/^mirror\.bank\.example\/onfile@sha256:[0-9a-f]{64}$/)
  })

  test('do nothing in diagnostic mode', async () => {
    const [container] = podOf(await manifestsOf('strimzi'), 'StatefulSet/r-onfile-provisioner').spec.containers
    expect(container?.command?.slice(0, 2)).toEqual(['/usr/local/bin/node', '-e'])
    expect(container).not.toHaveProperty('livenessProbe')
    expect(container).not.toHaveProperty('args')
  })
})
