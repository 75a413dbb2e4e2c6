import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, inject, test } from 'vitest'
import { findPrometheus, PrometheusUnavailableError } from '../../sandbox/prometheus/binaries.ts'

const run = promisify(execFile)
const checkPath = fileURLToPath(new URL('../../sandbox/dashboards/main.ts', import.meta.url))

/** Null where there is a Prometheus; else why there is none. */
async function whyNoPrometheus(): Promise<string | null> {
  try {
    await findPrometheus()
    return null
  } catch (error) {
    if (!(error instanceof PrometheusUnavailableError)) throw error
    return error.message
  }
}

test(
  'every panel of every dashboard has its data in a real Prometheus that scraped a real run',
  { timeout: 400_000 },
  async context => {
    const whyNot = await whyNoPrometheus()
    if (whyNot !== null) {
      process.stderr.write(`The queries of the dashboards are not run: ${whyNot}\n`)
      return context.skip(whyNot)
    }
    const { stdout } = await run(process.execPath, [checkPath, '--no-pictures'], {
      env: { ...process.env, ONFILE_BED_BROKERS: inject('brokers'), ONFILE_BED_REGISTRY_URL: inject('registryUrl') },
    }).catch((error: unknown) => {
      // What it found is on its standard output, not in the error.
      throw new Error(`dashboards:check: ${(error as { stdout: string }).stdout}`)
    })
    expect(stdout).toContain('Every panel has its data.')
    expect(stdout.match(/^ {2}ok /gm)!.length).toBeGreaterThan(40)
  },
)
