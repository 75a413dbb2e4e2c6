/** Stand-alone bed: prints where Kafka and the registry are, stays until SIGINT or SIGTERM, then removes them. */
import { startBed } from './bed.ts'
import { BedStartError, BedUnavailableError } from './errors.ts'

try {
  const startedAtMs = Date.now()
  const bed = await startBed()
  console.log(`ONFILE_BED_BROKERS=${bed.brokers}`)
  console.log(`ONFILE_BED_REGISTRY_URL=${bed.registryUrl}`)
  console.error(`Up (${bed.how}) after ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s. Ctrl-C ends it.`)
  const keepAlive = setInterval(() => undefined, 60_000)
  await new Promise(resolve => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  clearInterval(keepAlive)
  await bed.stop()
} catch (error) {
  if (!(error instanceof BedUnavailableError || error instanceof BedStartError)) throw error
  console.error(error.message)
  process.exitCode = error.exitCode
}
