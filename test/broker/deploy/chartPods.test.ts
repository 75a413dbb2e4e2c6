import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ciFile, render } from '../../helm/chart.ts'
import type { Manifest } from '../../helm/chart.ts'
import { expanded, POD_NAME, podsOf } from '../../helm/pods.ts'
import type { Container, Pod } from '../../helm/pods.ts'
import { ToolUnavailableError } from '../../helm/tools/cache.ts'
import { helmBinary } from '../../helm/tools/helm.ts'
import { run as runProgram } from '../../helm/tools/run.ts'
import { dockerfileWords, layOutImage } from '../../support/imageFiles.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'
import { ProductProcess } from '../../support/onfile/productProcess.ts'

// No cluster is started here. The pods of the chart are run without: each container with its arguments, variables and
// mounted files, from what the image holds, one directory in place of its file system.

async function findHelm(): Promise<string | null> {
  try {
    return await helmBinary()
  } catch (error) {
    if (!(error instanceof ToolUnavailableError)) throw error
    process.stderr.write(`The pods of the chart are not run: ${error.message}\n`)
    return null
  }
}

const helm = await findHelm()

let directory: string
let run: OnfileRun
let manifests: readonly Manifest[]
const started: ProductProcess[] = []

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'onfile-pods-'))
  layOutImage(join(directory, 'app'))
  run = await OnfileRun.create({ brokers: inject('brokers'), registryUrl: inject('registryUrl') })
  if (helm === null) return
  const rendering = await render(helm, [ciFile('minimal')], values())
  if (rendering.refusal !== null) throw new Error(rendering.refusal)
  manifests = rendering.manifests
})
afterAll(async () => {
  for (const one of started.filter(({ alive }) => alive)) await one.kill('SIGKILL')
  await run.close()
  rmSync(directory, { recursive: true, force: true })
})

/** The minimal scenario, with the addresses of this machine. */
function values(): object {
  return {
    config: {
      admin: { host: '127.0.0.1' },
      application: { id: run.id },
      kafka: { brokers: inject('brokers').split(','), sessionTimeout: '6s' },
      registry: { url: inject('registryUrl') },
      topics: { ...run.topics, replicationFactor: 1 },
      ingest: { startAt: 'earliest' },
      vault: { url: run.vault.url },
      knot: { url: run.knot.url, clientId: run.knot.clientId },
      policy: { minGap: '1s', resultSoft: '2s', resultHard: '6s' },
    },
    bootstrap: { mode: 'apply' },
  }
}

/** Secrets as a bank would make them, by the path of the setting that reads them. */
const secrets = (): Record<string, string> => ({
  'directory.token': run.vault.token,
  'vault.token': run.vault.token,
  'knot.secret': run.knot.secret,
})

/** Puts a pod's mounts into a directory, and gives that. */
function mount(pod: Pod): string {
  const place = mkdtempSync(join(directory, 'pod-'))
  for (const name of ['config', 'secrets', 'tmp', 'state']) mkdirSync(join(place, name))
  for (const { configMap, projected } of pod.spec.volumes) {
    const config = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMap?.name)
    if (config !== undefined)
      writeFileSync(join(place, 'config/onfile.yaml'), inPod(config.data!['onfile.yaml']!, place))
    for (const { path } of (projected?.sources ?? []).flatMap(({ secret }) => secret.items)) {
      writeFileSync(join(place, 'secrets', path), `${secrets()[path]!}\n`)
    }
  }
  return place
}

/** Paths of a pod's file system, on this machine. */
function inPod(text: string, place: string): string {
  return text
    .replace(/\/etc\/onfile\/(config|secrets)/g, `${place}/$1`)
    .replaceAll('/var/lib/onfile', `${place}/state`)
    .replace('=/tmp/', `=${place}/tmp/`)
}

function variables({ env = [] }: Container, place: string): Record<string, string> {
  return Object.fromEntries(env.map(({ name, value = POD_NAME }) => [name, inPod(expanded(value), place)]))
}

/** The image's entry point, with the paths of this machine; without `prlimit`, which is Linux's. */
const entryPoint = (): [string, ...string[]] => [
  process.execPath,
  ...dockerfileWords('ENTRYPOINT')
    .slice(3)
    .map(word => word.replace(/^\/app\//, `${directory}/app/`)),
]

/** Runs a container that ends by itself. */
async function runContainer(container: Container, place: string, adminUrl = ''): Promise<void> {
  const [node, ...onfile] = entryPoint()
  const words = container.command?.slice(1) ?? [...onfile, ...(container.args ?? [])]
  const { exitCode, stdout, stderr } = await runProgram(
    node,
    words.map(word => inPod(word, place).replace(/http:\/\/r-onfile[^/]+/, adminUrl)),
    { env: variables(container, place), cwd: place },
  )
  expect(exitCode, `${container.name}: ${stdout}${stderr}`).toBe(0)
}

const podOf = (of: string): Pod => podsOf(manifests).find(pod => pod.of === of)!

describe.runIf(helm !== null)('the pods of the chart', () => {
  it('prepare, push what is due, pass helm test, and end when told', async () => {
    const bootstrap = podOf('Job/r-onfile-bootstrap')
    const place = mount(bootstrap)
    for (const container of [...bootstrap.spec.initContainers!, ...bootstrap.spec.containers]) {
      await runContainer(container, place)
    }
    for (const name of ['processor', 'provisioner']) {
      const pod = podOf(`StatefulSet/r-onfile-${name}`)
      started.push(new ProductProcess(variables(pod.spec.containers[0]!, mount(pod)), entryPoint()))
    }
    await Promise.all(started.map(one => one.ready()))
    const cards = ['a', 'b'].map((userId, index) => run.addUser(`user-${userId}`, index, [10, 12]))
    await run.sendLifecycle(
      ...cards.map(cardRef => ({ key: cardRef, value: lifecycleEvent({ cardRef, type: 'updated' }) })),
    )
    await run.expectExact()
    expect(run.knot.pushes()).toHaveLength(cards.length * 2)
    for (const [index, name] of ['processor', 'provisioner'].entries()) {
      const check = podOf(`Pod/r-onfile-${name}-check`)
      const adminUrl = /"admin":"(http:[^"]+)"/.exec(started[index]!.log().toString('utf8'))?.[1]
      const at = mount(check)
      for (const container of [...check.spec.initContainers!, ...check.spec.containers]) {
        await runContainer(container, at, adminUrl)
      }
    }
    for (const one of started) expect(await one.kill('SIGTERM')).toBe(0)
    // Nine processes, one after the other: seconds, unless the machine is busy.
  }, 300_000)
})
