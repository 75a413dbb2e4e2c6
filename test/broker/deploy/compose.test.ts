import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { layOutImage } from '../../support/imageFiles.ts'
import { ProductProcess } from '../../support/onfile/productProcess.ts'

// No container is started here. What stands in docker-compose.yml is run without: the commands and variables of its
// services, from what the images hold, with other addresses.
const root = fileURLToPath(new URL('../../../', import.meta.url))
const prefix = `compose-${Date.now().toString(36)}-`

interface Service {
  readonly command?: readonly string[]
  readonly environment: Readonly<Record<string, string | number>>
}
const { services } = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Readonly<Record<'sandbox' | 'topics' | 'schemas' | 'onfile', Service>>
}

let app: string
let sandbox: ChildProcess | undefined
let onfile: ProductProcess | undefined
beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), 'onfile-compose-'))
  layOutImage(app)
  for (const name of ['src', 'sandbox']) cpSync(join(root, name), join(app, name), { recursive: true })
})
afterAll(async () => {
  if (onfile?.alive === true) await onfile.kill('SIGKILL')
  sandbox?.kill('SIGKILL')
  rmSync(app, { recursive: true, force: true })
})

/** A service's variables, with the addresses of this machine. */
function variables(service: Service, sandboxPort: number): Record<string, string> {
  const addresses: readonly [inside: string, here: string][] = [
    ['kafka:9092', inject('brokers')],
    ['http://registry:8080/apis/ccompat/v7', inject('registryUrl')],
    ['sandbox:8081', `127.0.0.1:${sandboxPort + 1}`],
    ['sandbox:8083', `127.0.0.1:${sandboxPort + 3}`],
    ['/run/secrets/', join(root, 'sandbox/compose/')],
    ['0.0.0.0', '127.0.0.1'],
  ]
  const translated = Object.entries(service.environment).map(([name, value]) => {
    const text = addresses.reduce((before, [inside, here]) => before.replace(inside, here), String(value))
    return [name, name.endsWith('_FILE') ? `${text}.txt` : text] as const
  })
  return Object.fromEntries(translated)
}

/** On a cluster that others use nothing may have a name that they have. */
const ownNames = {
  ONFILE_APPLICATION_ID: `${prefix}onfile`,
  ...Object.fromEntries(
    ['card-lifecycle', 'knot-events', 'provisioning-commands', 'card-suppressions', 'card-outcomes'].map(topic => [
      `ONFILE_TOPICS_${topic.replace('-', '_').toUpperCase()}`,
      prefix + topic,
    ]),
  ),
}

/** The first of four free ports in a row, below those that the system gives to outgoing connections. */
async function fourPorts(): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 10_000)
    const free = await Promise.all([0, 1, 2, 3].map(step => isFree(first + step)))
    if (free.every(Boolean)) return first
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

async function startSandbox(): Promise<number> {
  const port = await fourPorts()
  const environment = { ...variables(services.sandbox, port), SANDBOX_TOPIC_PREFIX: prefix, SANDBOX_USERS: '10' }
  sandbox = spawn(process.execPath, [join(app, 'sandbox/compose/main.ts')], {
    env: { PATH: process.env.PATH, ...environment, SANDBOX_HOST: '127.0.0.1', SANDBOX_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return port
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline) {
    const seen = await look().catch(() => undefined)
    if (seen !== undefined) return seen
    await wait(100)
  }
  throw new Error(`${what} did not happen within a minute\n${onfile?.lastWords() ?? ''}`)
}

describe('docker-compose.yml', () => {
  it('brings up an issuer whose cards onfile pushes, and both end when told', async () => {
    const port = await startSandbox()
    const health = async (): Promise<{ pushes: number }> =>
      (await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()) as { pushes: number }
    await until('the sandbox', health)
    for (const name of ['topics', 'schemas'] as const) {
      execFileSync(process.execPath, [join(app, 'dist/cli/main.js'), ...services[name].command!], {
        env: { PATH: process.env.PATH, ...variables(services[name], port), ...ownNames },
      })
    }
    expect(services.onfile.command).toEqual(['run'])
    const settings = { ...variables(services.onfile, port), ...ownNames, ONFILE_STATE_DIR: join(app, 'state') }
    onfile = new ProductProcess(settings, [process.execPath, join(app, 'dist/cli/main.js')])
    await onfile.ready()
    await until('a push', async () => ((await health()).pushes >= 5 ? true : undefined))
    expect(await onfile.kill('SIGTERM')).toBe(0)
    const ended = once(sandbox!, 'exit')
    sandbox!.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })
})
