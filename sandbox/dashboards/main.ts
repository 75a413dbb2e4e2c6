/**
 * `npm run dashboards:check`: runs the demo with a real Prometheus beside it, then every query of every dashboard, and says
 * which of them have no data. Draws each page to `.cache/dashboards/`, as a picture too where there is a Chromium
 * (`--no-pictures`: without). Exit code 1 where a panel is empty without a reason, 69 where there is no Prometheus or no Kafka.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DASHBOARDS } from '../../monitoring/grafana/dashboards.ts'
import { rulesFile } from '../../monitoring/rulesFile.ts'
import { BedStartError, BedUnavailableError } from '../bed/errors.ts'
import { CleanUp } from '../demo/cleanUp.ts'
import { runDemo } from '../demo/demo.ts'
import { plainPaint } from '../demo/terminal.ts'
import { PrometheusUnavailableError } from '../prometheus/binaries.ts'
import { PrometheusServer } from '../prometheus/server.ts'
import { ask } from './ask.ts'
import { drawPage, pageHeight } from './draw/page.ts'

const outDir = fileURLToPath(new URL('../../.cache/dashboards/', import.meta.url))
const run = promisify(execFile)
const cleanUp = new CleanUp(message => console.error(message))
process.once('SIGINT', () => void cleanUp.run().then(() => process.exit(130)))

const check = async (): Promise<number> => {
  let from = Date.now() / 1_000
  let prometheus: PrometheusServer | undefined
  const { problems } = await runDemo({
    keep: true,
    write: () => undefined,
    paint: plainPaint,
    cleanUp,
    onRaised: async ({ product }) => {
      const started = await PrometheusServer.start(new URL(product.adminUrl).host, rulesFile())
      cleanUp.add(() => started.stop())
      prometheus = started
      from = Date.now() / 1_000
      console.log(`Prometheus ${prometheus.url} scrapes ${product.adminUrl}; the demo runs ...`)
    },
  })
  if (prometheus === undefined) throw new Error('the demo raised nothing')
  // It has its own test; on a busy machine it runs out of patience, and the panels have their data all the same.
  if (problems.length > 0) console.log(`The demo did not add up in time (${problems.length}).`)
  const span = { from, to: Date.now() / 1_000 }
  mkdirSync(outDir, { recursive: true })
  let bad = 0
  for (const dashboard of DASHBOARDS) {
    const answered = await ask(prometheus, dashboard, span)
    console.log(`\n${dashboard.title}`)
    for (const placed of answered) {
      if ('heading' in placed) continue
      const { panel, series, problems: wrong } = placed
      const state = wrong.length > 0 ? 'BAD' : series.length > 0 ? 'ok ' : '-  '
      const detail =
        wrong.length > 0 ? wrong.join('; ') : series.length > 0 ? `${series.length} series` : panel.emptyWhen
      console.log(`  ${state} ${panel.title}: ${detail ?? ''}`)
      bad += wrong.length
    }
    const html = `${outDir}${dashboard.uid}.html`
    writeFileSync(html, drawPage(dashboard, answered, span))
    await picture(html, pageHeight(answered))
  }
  console.log(`\nPages in .cache/dashboards. ${bad === 0 ? 'Every panel has its data.' : `${bad} things are wrong.`}`)
  return bad === 0 ? 0 : 1
}

/** As PNG beside the page, where a Chromium is on the PATH. */
const picture = async (html: string, heightPx: number): Promise<void> => {
  if (process.argv.includes('--no-pictures')) return
  const size = `--window-size=1480,${heightPx}`
  const words = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', size]
  const shot = `--screenshot=${html.replace(/html$/, 'png')}`
  await run('chromium', [...words, shot, `file://${html}`], { timeout: 60_000 }).catch(() => undefined)
}

const failure = (error: unknown): number => {
  const isKnown = error instanceof BedStartError || error instanceof BedUnavailableError
  const isMissing = error instanceof PrometheusUnavailableError
  console.error(isKnown || isMissing ? error.message : error)
  return isMissing || error instanceof BedUnavailableError ? 69 : 1
}

const exitCode = await check().catch(failure)
await cleanUp.run()
process.exit(exitCode)
