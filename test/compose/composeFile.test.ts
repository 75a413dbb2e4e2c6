import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ToolUnavailableError } from '../helm/tools/cache.ts'
import { goTool } from '../helm/tools/goTools.ts'
import { run } from '../helm/tools/run.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The library that `docker compose` reads its files with. Null where it cannot be built; says so. */
async function composeReader(): Promise<string | null> {
  try {
    return await goTool('composeGo')
  } catch (error) {
    if (!(error instanceof ToolUnavailableError)) throw error
    process.stderr.write(`docker-compose.yml is not read by compose's own library: ${error.message}\n`)
    return null
  }
}

const reader = await composeReader()

interface Service {
  readonly user?: string
  readonly read_only?: boolean
  readonly image: string
}

describe.runIf(reader !== null)('docker-compose.yml', () => {
  const read = (...words: string[]): ReturnType<typeof run> => run(reader!, words, { cwd: root })

  test('is what docker compose takes', async () => {
    const { exitCode, stdout, stderr } = await read('docker-compose.yml')
    expect(exitCode, stderr).toBe(0)
    const { services } = parse(stdout) as { services: Record<string, Service> }
    expect(Object.keys(services).toSorted()).toEqual(
      ['grafana', 'kafka', 'onfile', 'prometheus', 'registry', 'sandbox', 'schemas', 'topics'].toSorted(),
    )
    for (const name of ['onfile', 'topics', 'schemas']) {
      expect(services[name]).toMatchObject({ user: '10001:10001', read_only: true })
    }
    for (const [name, { image }] of Object.entries(services)) {
      expect(image, name).toMatch(/:(?!latest$)[\w.-]+$/)
    }
  })

  test('would not be taken with a key that compose does not know', async () => {
    const wrong = fileURLToPath(new URL('wrong.yaml', import.meta.url))
    const { exitCode, stdout, stderr } = await read(wrong)
    expect(exitCode).toBe(1)
    expect(stdout + stderr).toContain('services.onfile.readonly')
  })
})
