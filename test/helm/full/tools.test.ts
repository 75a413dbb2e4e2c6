import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chartDirectory, ciFile, SCENARIOS } from '../chart.ts'
import { ToolUnavailableError } from '../tools/cache.ts'
import { goTool } from '../tools/goTools.ts'
import { helmBinary } from '../tools/helm.ts'
import { kubernetesSchemas } from '../tools/kubernetesSchemas.ts'
import { run } from '../tools/run.ts'

interface Tools {
  readonly helm: string
  readonly helm3: string
  readonly kubeconform: string
  readonly unittest: string
  readonly schemas: string
}

/** Everything, built the first time. Null where something cannot be had; says so. */
async function tools(): Promise<Tools | null> {
  try {
    return {
      helm: await helmBinary(),
      kubeconform: await goTool('kubeconform'),
      unittest: await goTool('unittest'),
      helm3: await goTool('helm3'),
      schemas: await kubernetesSchemas(),
    }
  } catch (error) {
    if (!(error instanceof ToolUnavailableError)) throw error
    process.stderr.write(`Helm 3, kubeconform and helm-unittest do not look at the chart: ${error.message}\n`)
    return null
  }
}

const found = await tools()

describe.runIf(found !== null)('the chart', () => {
  const { helm, helm3, kubeconform, unittest, schemas } = found ?? ({} as Tools)
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'onfile-chart-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const template = async (binary: string, scenario: string): Promise<string> => {
    // Helm built by `go install` does not know which Kubernetes it is made for.
    const words = ['template', 'r', chartDirectory, '-n', 'pay', '--kube-version', '1.34.0', '-f', ciFile(scenario)]
    const { exitCode, stdout, stderr } = await run(binary, words)
    expect(exitCode, stderr).toBe(0)
    return stdout
  }

  /** KafkaTopic and KafkaUser: Strimzi's definitions are in none of the registries. */
  const conform = (manifests: string): ReturnType<typeof run> => {
    const place = join(schemas, '{{.ResourceKind}}{{.KindSuffix}}.json')
    return run(kubeconform, ['-strict', '-skip', 'KafkaTopic,KafkaUser', '-schema-location', place, '-'], {
      input: manifests,
    })
  }

  test.each(SCENARIOS)('in scenario %s is what Kubernetes, KEDA and the Prometheus operator take', async scenario => {
    const { exitCode, stdout } = await conform(await template(helm, scenario))
    expect(exitCode, stdout).toBe(0)
  })

  test('would not get through with a field that Kubernetes does not know', async () => {
    const manifests = await template(helm, 'minimal')
    const { exitCode, stdout } = await conform(
      manifests.replace('enableServiceLinks: false', 'enableServiceLink: false'),
    )
    expect(stdout).toContain("additional properties 'enableServiceLink' not allowed")
    expect(exitCode).toBe(1)
  })

  test.each(SCENARIOS)('in scenario %s is the same from Helm 3 and Helm 4', async scenario => {
    const [three, four] = await Promise.all([template(helm3, scenario), template(helm, scenario)])
    const parsed = (text: string): unknown[] => parseAllDocuments(text).map(document => document.toJS() as unknown)
    expect(parsed(three)).toEqual(parsed(four))
  })

  test('passes lint', async () => {
    const { exitCode, stdout } = await run(helm, ['lint', chartDirectory, '--strict', '-f', ciFile('minimal')])
    expect(exitCode, stdout).toBe(0)
  })

  test('passes its helm-unittest suites', async () => {
    const { exitCode, stdout } = await run(unittest, ['--strict', chartDirectory])
    expect(exitCode, stdout).toBe(0)
    expect(stdout).toMatch(/Tests: +[1-9]\d* passed/)
  })

  test('passes no suite that is wrong', async () => {
    const suite = join(directory, 'wrong_test.yaml')
    writeFileSync(
      suite,
      'suite: wrong\ntemplates: [services.yaml]\ntests: [{ it: fails, asserts: [{ hasDocuments: { count: 99 } }] }]\n',
    )
    const { exitCode } = await run(unittest, ['--strict', '-f', suite, chartDirectory])
    expect(exitCode).toBe(1)
  })

  test('can be packed, without its tests', async () => {
    const { exitCode, stderr } = await run(helm, ['package', chartDirectory, '-d', directory])
    expect(exitCode, stderr).toBe(0)
    const { stdout } = await run('tar', ['-tzf', join(directory, 'onfile-0.1.0.tgz')])
    expect(stdout).toContain('onfile/templates/tests/check.yaml')
    expect(stdout).not.toMatch(/onfile\/(ci|tests)\//)
  })
})
