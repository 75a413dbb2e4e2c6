import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { expect, inject, test } from 'vitest'
import { probeCluster } from '../../../sandbox/bed/clusterProbe.ts'

const main = fileURLToPath(new URL('../../../sandbox/bed/main.ts', import.meta.url))

test('the cluster has a controller and as many live brokers as it names', async () => {
  for (const broker of inject('brokers').split(',')) {
    const view = await probeCluster(broker, 5000)
    expect(view.liveBrokers).toBeGreaterThanOrEqual(1)
    expect(view.controllerId).toBeGreaterThanOrEqual(0)
  }
})

test('the registry sees one schema in two spellings as one', async () => {
  const subjects = `${inject('registryUrl')}/subjects`
  const subject = `bed-${randomUUID()}-value`
  const schema = { type: 'record', name: 'Bed', fields: [{ name: 'a', type: 'string' }] }
  const register = async (spelling: string): Promise<unknown> => {
    const answer = await fetch(`${subjects}/${subject}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: spelling }),
    })
    return ((await answer.json()) as { id: unknown }).id
  }
  const id = await register(JSON.stringify(schema))
  expect(id).toEqual(expect.any(Number))
  expect(await register(JSON.stringify(schema, null, 4))).toBe(id)
})

test('a bed whose process is killed by SIGKILL is gone', async () => {
  const environment = { ...process.env, ONFILE_BED_BROKERS: '', ONFILE_BED_REGISTRY_URL: '' }
  const bed = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'pipe'], env: environment })
  const complaint = text(bed.stderr)
  const lines: string[] = []
  const output = createInterface({ input: bed.stdout }).on('line', line => lines.push(line))
  try {
    await Promise.race([
      expect.poll(() => lines.length, { timeout: 90_000 }).toBe(2),
      once(bed, 'exit').then(async () => {
        throw new Error(`The bed ended by itself: ${await complaint}`)
      }),
    ])
    const broker = lines[0]?.replace('ONFILE_BED_BROKERS=', '') ?? ''
    const registry = lines[1]?.replace('ONFILE_BED_REGISTRY_URL=', '') ?? ''
    expect(await probeCluster(broker, 5000)).toMatchObject({ liveBrokers: 1 })
    bed.kill('SIGKILL')
    const down = (asked: Promise<unknown>): Promise<boolean> =>
      asked.then(
        () => false,
        () => true,
      )
    await expect.poll(() => down(probeCluster(broker, 1000)), { timeout: 30_000 }).toBe(true)
    await expect.poll(() => down(fetch(registry)), { timeout: 30_000 }).toBe(true)
  } finally {
    bed.kill('SIGKILL')
    output.close()
  }
})
