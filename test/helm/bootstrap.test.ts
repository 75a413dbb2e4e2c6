import { describe, expect, inject, test } from 'vitest'
import { ciFile, render } from './chart.ts'
import type { Manifest } from './chart.ts'
import { podsOf } from './pods.ts'
import type { Pod } from './pods.ts'

const helm = inject('helm')
const isBootstrap = ({ metadata }: Manifest): boolean =>
  metadata.labels?.['app.kubernetes.io/component'] === 'bootstrap'

async function manifestsOf(scenario: string, values: object = {}): Promise<readonly Manifest[]> {
  const rendering = await render(helm, [ciFile(scenario)], values)
  if (rendering.refusal !== null) throw new Error(rendering.refusal)
  return rendering.manifests
}

function jobPod(manifests: readonly Manifest[]): Pod {
  return podsOf(manifests).find(({ component }) => component === 'bootstrap')!
}

const words = (pod: Pod): (readonly string[] | undefined)[] =>
  [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ args }) => args)

describe.runIf(helm !== '')('the bootstrap job', () => {
  test('looks, unless told otherwise, and changes nothing', async () => {
    expect(words(jobPod(await manifestsOf('minimal')))).toEqual([
      ['topics', 'plan'],
      ['schemas', 'check'],
    ])
  })

  test('makes topics and schemas where it shall, and looks at them', async () => {
    const made = words(jobPod(await manifestsOf('sasl-ssl')))
    expect(made).toEqual([
      ['topics', 'apply'],
      ['schemas', 'register'],
    ])
  })

  test('is not there where nobody shall look', async () => {
    expect((await manifestsOf('strimzi')).filter(isBootstrap)).toEqual([])
  })

  test('as a hook brings all that it needs with it, before it', async () => {
    const own = (await manifestsOf('minimal')).filter(isBootstrap)
    const weights = Object.fromEntries(
      own.map(({ kind, metadata }) => [kind, Number(metadata.annotations?.['helm.sh/hook-weight'])]),
    )
    expect(weights).toEqual({ ServiceAccount: -10, ConfigMap: -10, NetworkPolicy: -10, Job: -5 })
    for (const { metadata } of own) expect(metadata.annotations?.['helm.sh/hook']).toBe('pre-install,pre-upgrade')
  })

  test('without hooks has a name that changes with what it does', async () => {
    const nameOf = async (values: object): Promise<string> => {
      const manifests = await manifestsOf('gitops', values)
      const own = manifests.filter(isBootstrap)
      expect(own.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== undefined)).toEqual([])
      const job = own.find(({ kind }) => kind === 'Job')!
      expect(job.metadata.annotations).toEqual({ 'argocd.argoproj.io/sync-wave': '-1' })
      expect(job.spec).not.toHaveProperty('ttlSecondsAfterFinished')
      return job.metadata.name
    }
    const first = await nameOf({})
    expect(await nameOf({ processor: { replicas: 5 } })).toBe(first)
    expect(await nameOf({ config: { topics: { partitions: 6 } } })).not.toBe(first)
    expect(await nameOf({ image: { tag: '9.9.9' } })).not.toBe(first)
  })

  test('is not tried again when it says that something is definitely wrong', async () => {
    const job = (await manifestsOf('minimal')).find(({ kind }) => kind === 'Job')!
    expect(job.spec).toMatchObject({
      podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [64, 78] } }] },
      template: { spec: { restartPolicy: 'Never' } },
    })
  })

  test('may have a Kafka user of its own', async () => {
    const manifests = await manifestsOf('sasl-ssl')
    const password = jobPod(manifests).spec.volumes.flatMap(({ projected }) => projected?.sources ?? [])
    expect(password.find(({ secret }) => secret.items[0]?.path === 'kafka.sasl.password')?.secret.name).toBe(
      'onfile-kafka-admin',
    )
  })
})
