import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { freePorts } from '../bed/freePorts.ts'
import { startGuarded } from '../bed/guardedProcess.ts'
import type { GuardedProcess } from '../bed/guardedProcess.ts'
import { findPrometheus } from './binaries.ts'

/** One series of an answer; times are seconds since the epoch. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly points: readonly (readonly [seconds: number, value: number])[]
}

/** Prometheus did not come up, or refused a query. */
export class PrometheusError extends Error {
  override readonly name = 'PrometheusError'
  readonly code = 'PROMETHEUS_FAILED'
}

const READY_WITHIN_MS = 20_000

/** A real Prometheus on a free loopback port, which ends with this process and leaves nothing behind. */
export class PrometheusServer {
  readonly url: string
  readonly #guarded: GuardedProcess

  private constructor(url: string, guarded: GuardedProcess) {
    this.url = url
    this.#guarded = guarded
  }

  /**
   * @param target `host:port` with `/metrics`; scraped every second as job `onfile`
   * @param rules content of a rules file
   * @throws PrometheusUnavailableError, PrometheusError
   */
  static async start(target: string, rules: string): Promise<PrometheusServer> {
    const { prometheus } = await findPrometheus()
    const dir = mkdtempSync(join(tmpdir(), 'onfile-prometheus-'))
    writeFileSync(join(dir, 'rules.yaml'), rules)
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yaml'],
      scrape_configs: [{ job_name: 'onfile', static_configs: [{ targets: [target] }] }],
    }
    writeFileSync(join(dir, 'prometheus.yml'), stringify(config))
    const [port = 0] = await freePorts(1)
    const address = `127.0.0.1:${port}`
    const words = [
      prometheus,
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ]
    const guarded = startGuarded({ steps: [words], logFile: join(dir, 'log.txt'), disposableDir: dir })
    const server = new PrometheusServer(`http://${address}`, guarded)
    try {
      await server.#ready()
      return server
    } catch (error) {
      await guarded.stop()
      throw error
    }
  }

  /** Values from `from` to `to` (seconds), one each `step` seconds. @throws PrometheusError */
  async range(query: string, from: number, to: number, step: number): Promise<Series[]> {
    const answer = await this.#ask('query_range', { query, start: String(from), end: String(to), step: String(step) })
    return (answer.result as { metric: Record<string, string>; values: [number, string][] }[]).map(
      ({ metric, values }) => ({ labels: metric, points: values.map(([at, value]) => [at, Number(value)] as const) }),
    )
  }

  /** Values at `at` (seconds). @throws PrometheusError */
  async instant(query: string, at: number): Promise<Series[]> {
    const answer = await this.#ask('query', { query, time: String(at) })
    return (answer.result as { metric: Record<string, string>; value: [number, string] }[]).map(
      ({ metric, value: [seconds, value] }) => ({ labels: metric, points: [[seconds, Number(value)]] }),
    )
  }

  async stop(): Promise<void> {
    await this.#guarded.stop()
  }

  async #ask(path: string, form: Record<string, string>): Promise<{ result: unknown }> {
    const response = await fetch(`${this.url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(form) })
    const answer = (await response.json()) as { status: string; error?: string; data: { result: unknown } }
    if (answer.status !== 'success') throw new PrometheusError(answer.error ?? `answered ${response.status}`)
    return answer.data
  }

  async #ready(): Promise<void> {
    const deadlineMs = Date.now() + READY_WITHIN_MS
    let ended: string | undefined
    void this.#guarded.ended.then(how => (ended = how))
    while (Date.now() < deadlineMs && ended === undefined) {
      const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined)
      if (answer?.ok === true) return
      await sleep(100)
    }
    throw new PrometheusError(`Prometheus is not ready (${ended ?? 'no answer'}).\n${this.#guarded.logTail()}`)
  }
}
