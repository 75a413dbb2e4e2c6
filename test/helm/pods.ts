import type { Manifest } from './chart.ts'

interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } }
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly args?: readonly string[]
  readonly command?: readonly string[]
  readonly env?: readonly Variable[]
  readonly securityContext: object
  readonly resources: { readonly requests?: object; readonly limits?: Readonly<Record<string, string>> }
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[]
  readonly [probe: `${string}Probe`]: object | undefined
}

interface Volume {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly emptyDir?: { readonly sizeLimit: string }
  readonly persistentVolumeClaim?: { readonly claimName: string }
  readonly projected?: {
    readonly sources: readonly {
      readonly secret: { readonly name: string; readonly items: readonly { key: string; path: string }[] }
    }[]
  }
}

export interface PodSpec {
  readonly serviceAccountName: string
  readonly automountServiceAccountToken: boolean
  readonly enableServiceLinks: boolean
  readonly terminationGracePeriodSeconds: number
  readonly securityContext: object
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes: readonly Volume[]
}

/** A pod, or the template of one. */
export interface Pod {
  /** `StatefulSet/r-onfile-processor`. */
  readonly of: string
  /** `app.kubernetes.io/component`. */
  readonly component: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: PodSpec
}

interface Template {
  readonly metadata: Manifest['metadata']
  readonly spec: PodSpec
}

/** Every pod that the manifests would make. */
export function podsOf(manifests: readonly Manifest[]): Pod[] {
  return manifests.flatMap(manifest => {
    const template =
      manifest.kind === 'Pod' ? manifest : (manifest.spec as { template?: unknown } | undefined)?.template
    if (template === undefined) return []
    const { metadata, spec } = template as unknown as Template
    const { labels = {}, annotations = {} } = metadata
    const component = labels['app.kubernetes.io/component'] ?? ''
    return [{ of: `${manifest.kind}/${manifest.metadata.name}`, component, labels, annotations, spec }]
  })
}

/** Paths of the settings that a pod gets as files out of Secrets. */
export function secretPaths({ spec }: Pod): string[] {
  return spec.volumes.flatMap(({ projected }) =>
    (projected?.sources ?? []).flatMap(({ secret }) => secret.items.map(({ path }) => path)),
  )
}

/** What the cluster would call a pod. */
export const POD_NAME = 'pod-0'

/** A variable's value as the cluster expands it; the only one that is referred to is the pod's name. */
export function expanded(value: string): string {
  return value.replace('$(ONFILE_KAFKA_GROUP_INSTANCE_ID)', POD_NAME)
}

export function containersOf({ spec }: Pod): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers]
}
