import { fileURLToPath } from 'node:url'
import { parseAllDocuments, stringify } from 'yaml'
import { run } from './tools/run.ts'

export const chartDirectory = fileURLToPath(new URL('../../helm/onfile/', import.meta.url))
export const ciFile = (name: string): string => `${chartDirectory}ci/${name}-values.yaml`

/** Scenarios of helm/onfile/ci. */
export const SCENARIOS = ['minimal', 'sasl-ssl', 'mtls', 'gitops', 'keda', 'split-roles', 'strimzi'] as const

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: never
  readonly data?: Readonly<Record<string, string>>
}

/** What Helm makes of the chart, or what it says where it refuses. */
export type Rendering =
  | { readonly text: string; readonly manifests: readonly Manifest[]; readonly refusal: null }
  | { readonly refusal: string }

/** Renders the chart as release `r` in namespace `pay`. @param values over the files, later ones first to win */
export async function render(helm: string, files: readonly string[], values: object = {}): Promise<Rendering> {
  const words = ['template', 'r', chartDirectory, '--namespace', 'pay', ...files.flatMap(file => ['-f', file])]
  const { exitCode, stdout, stderr } = await run(helm, [...words, '-f', '-'], { input: stringify(values) })
  if (exitCode !== 0) return { refusal: stderr }
  const manifests = parseAllDocuments(stdout).flatMap(document => {
    const manifest = document.toJS() as Manifest | null
    return manifest === null ? [] : [manifest]
  })
  return { text: stdout, manifests, refusal: null }
}
