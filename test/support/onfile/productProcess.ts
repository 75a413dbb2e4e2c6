import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ReadyAnswer, StartupAnswer } from '../../../src/server/health.ts'

const mainFile = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

/** `onfile run` as a child process, configured by environment alone, and what can be seen of it from outside. */
export class ProductProcess {
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>
  private readonly child: ChildProcess
  private readonly output: Buffer[] = []
  private readonly killWithParent = (): void => void this.child.kill('SIGKILL')
  private adminUrl: string | null = null

  /**
   * @param settings `ONFILE_*`: the whole configuration; a shell's own is not mixed in
   * @param onfile how `onfile` is started; from its sources unless told
   */
  constructor(
    settings: Readonly<Record<string, string>>,
    onfile: readonly [command: string, ...words: string[]] = [process.execPath, mainFile],
  ) {
    const surroundings = Object.entries(process.env).filter(([name]) => !name.startsWith('ONFILE_'))
    const [command, ...words] = onfile
    this.child = spawn(command, [...words, 'run'], {
      env: { ...Object.fromEntries(surroundings), ...settings, ONFILE_ADMIN_PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => this.output.push(chunk))
    }
    process.once('exit', this.killWithParent)
    this.exited = new Promise(resolve => {
      this.child.once('close', (code, signal) => {
        process.off('exit', this.killWithParent)
        resolve(signal ?? code)
      })
    })
  }

  get pid(): number {
    return this.child.pid!
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Everything that it has written to its outputs so far. */
  log(): Buffer {
    return Buffer.concat(this.output)
  }

  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    this.child.kill(signal)
    return this.exited
  }

  /** Resolves when `/readyz` says ready. Throws when it does not in time, or when the process ends. */
  async ready(withinMs = 30_000): Promise<void> {
    const deadline = Date.now() + withinMs
    let last = 'no answer'
    while (Date.now() < deadline && this.alive) {
      const answer = await this.readyz().catch((error: unknown) => {
        last = String(error)
        return null
      })
      if (answer?.state === 'ready') return
      if (answer !== null) last = answer.reasons.join('; ')
      await wait(50)
    }
    const how = this.alive
      ? `not ready within ${withinMs} ms: ${last}`
      : `ended with ${await this.exited} before it was ready`
    throw new Error(`${how}\n${this.lastWords()}`)
  }

  async readyz(): Promise<ReadyAnswer> {
    return (await (await this.get('/readyz')).json()) as ReadyAnswer
  }

  async startupz(): Promise<StartupAnswer> {
    return (await (await this.get('/startupz')).json()) as StartupAnswer
  }

  async metrics(): Promise<string> {
    return (await this.get('/metrics')).text()
  }

  /** Sum of a metric over the series whose labels contain `label`. */
  async metric(name: string, label = ''): Promise<number> {
    const page = await this.metrics()
    return page
      .split('\n')
      .filter(line => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(label))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }

  /** A call under `/admin`, with the token where there is one. Redirects are not followed. */
  async admin(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    { token, body }: { readonly token: string | null; readonly body?: object },
  ): Promise<{ status: number; location: string | null; body: Record<string, unknown> }> {
    const headers = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const answer = await this.get(`/admin${path}`, {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const { status } = answer
    return { status, location: answer.headers.get('location'), body: (await answer.json()) as Record<string, unknown> }
  }

  lastWords(): string {
    return this.log().toString('utf8').split('\n').slice(-25).join('\n')
  }

  private get(path: string, options: RequestInit = {}): Promise<Response> {
    this.adminUrl ??= /"admin":"(http:[^"]+)"/.exec(this.log().toString('utf8'))?.[1] ?? null
    if (this.adminUrl === null) return Promise.reject(new Error('its admin server has not said where it listens'))
    return fetch(`${this.adminUrl}${path}`, { ...options, signal: AbortSignal.timeout(5_000) })
  }
}
