import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startGuarded } from '../bed/guardedProcess.ts'
import type { GuardedProcess } from '../bed/guardedProcess.ts'

const run = promisify(execFile)
const mainPath = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

const RELEASE_WITHIN_MS = 5_000

/** A command of the product failed, or the product ended by itself. The message has its last words. */
export class ProductError extends Error {
  override readonly name = 'ProductError'
  readonly code = 'DEMO_PRODUCT_FAILED'
}

/** How the product is run. */
export interface ProductOptions {
  /** `ONFILE_*`: the whole configuration. */
  readonly settings: Readonly<Record<string, string>>
  /** Working directory; the log goes there. Removed when the product is released. */
  readonly dir: string
}

/** This process's environment with other settings of onfile: a shell's own must not mix in. */
const environmentOf = (settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ONFILE_'))),
  ...settings,
})

/** Runs a one-shot command (`topics apply`) and gives its output. @throws ProductError */
export const runCommand = async ({ settings, dir }: ProductOptions, words: readonly string[]): Promise<string> => {
  try {
    const { stdout } = await run(process.execPath, [mainPath, ...words], { cwd: dir, env: environmentOf(settings) })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new ProductError(`onfile ${words.join(' ')} failed: ${`${stdout}${stderr}`.trim() || String(error)}`)
  }
}

/** `onfile run` as a process of its own, which cannot outlive this one. */
export class Product {
  readonly adminUrl: string
  readonly logFile: string
  /** Rejects with a ProductError when it ends although nobody told it to. Never resolves. */
  readonly died: Promise<never>
  readonly #guarded: GuardedProcess
  #ended: string | undefined
  #isStopping = false

  private constructor(options: ProductOptions, adminPort: number) {
    this.adminUrl = `http://127.0.0.1:${adminPort}`
    this.logFile = join(options.dir, 'onfile.log')
    this.#guarded = startGuarded(
      {
        steps: [[process.execPath, mainPath, 'run']],
        logFile: this.logFile,
        disposableDir: options.dir,
      },
      {
        environment: environmentOf({ ...options.settings, ONFILE_ADMIN_PORT: String(adminPort) }),
        workingDir: options.dir,
      },
    )
    this.died = new Promise((_resolve, reject) => {
      void this.#guarded.ended.then(how => {
        this.#ended = how
        if (!this.#isStopping) reject(new ProductError(this.#lastWords(`onfile run ended by itself (${how})`)))
      })
    })
    this.died.catch(() => undefined)
  }

  static start(options: ProductOptions, adminPort: number): Product {
    return new Product(options, adminPort)
  }

  /** Resolves when `/readyz` says so. @throws ProductError when it ends before, or takes too long. */
  async ready(withinMs: number): Promise<void> {
    const deadlineMs = Date.now() + withinMs
    let reasons = 'no answer'
    while (Date.now() < deadlineMs) {
      if (this.#ended !== undefined) return this.died
      const answer = await fetch(`${this.adminUrl}/readyz`).catch(() => undefined)
      if (answer?.ok) return
      if (answer !== undefined) reasons = await answer.text()
      await sleep(50)
    }
    throw new ProductError(this.#lastWords(`onfile run is not ready after ${withinMs / 1000} s: ${reasons}`))
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.adminUrl}/metrics`)).text()
  }

  log(): Buffer {
    return readFileSync(this.logFile)
  }

  /** SIGTERM, then waits. Resolves with how it ended: `code 0` when all went well. */
  async stop(): Promise<string> {
    this.#isStopping = true
    if (this.#ended === undefined) process.kill(await this.#guarded.pidOf(0), 'SIGTERM')
    return this.#guarded.ended
  }

  /** Removes its directory. Where it still runs it is stopped, and killed if that takes too long. */
  async release(): Promise<void> {
    const patience = new AbortController()
    const late = sleep(RELEASE_WITHIN_MS, undefined, { signal: patience.signal }).catch(() => undefined)
    await Promise.race([this.stop(), late])
    patience.abort()
    await this.#guarded.stop()
  }

  #lastWords(what: string): string {
    return `${what}.\nThe end of its log:\n${this.#guarded.logTail()}`
  }
}
