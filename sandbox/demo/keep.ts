import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fastify } from 'fastify'
import type { CleanUp } from './cleanUp.ts'
import type { Systems } from './systems.ts'
import type { Paint } from './terminal.ts'

/**
 * What stays with `--keep`: everything runs on, the account goes on as outcomes come, and records can be written with
 * `curl`. Gives the lines that say so.
 */
export const keepOpen = async (systems: Systems, cleanUp: CleanUp, paint: Paint): Promise<string[]> => {
  const { bed, topics, knot, vault, webhookUrl, product, settings, stateDir } = systems
  const deskUrl = await openDesk(systems, cleanUp)
  const environmentFile = join(dirname(stateDir), 'onfile.env')
  writeFileSync(
    environmentFile,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
    { mode: 0o600 },
  )
  const optOut = JSON.stringify({ user_id: 'u-1001', data: { id: 'card-1001', type: 'opt_out' } })
  return [
    '',
    paint('bold', 'Still running. Ctrl-C ends it.'),
    `  Kafka            ${bed.brokers}`,
    `  Schema registry  ${bed.registryUrl}`,
    `  Knot, webhooks   ${knot.url}  ->  ${webhookUrl}`,
    `  Card vault       ${vault.url}`,
    `  onfile           ${product.adminUrl}/readyz  /metrics`,
    `  Its log          ${product.logFile}`,
    `  Its settings     ${environmentFile}`,
    paint('bold', 'To try:'),
    `  curl -d '${optOut}' ${deskUrl}/${topics.cardLifecycle}`,
    `  curl ${product.adminUrl}/metrics`,
    `  node --env-file=${environmentFile} src/cli/main.ts user u-1022`,
  ]
}

/** A desk of the sandbox: `POST /<topic>` writes the body as it is to one of the issuer's two topics. */
const openDesk = async ({ issuer, topics }: Systems, cleanUp: CleanUp): Promise<string> => {
  const desk = fastify({ forceCloseConnections: true })
  desk.removeAllContentTypeParsers()
  desk.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, raw, done) => done(null, raw))
  for (const topic of [topics.cardLifecycle, topics.knotEvents]) {
    desk.post(`/${topic}`, request => issuer.write(topic, { key: null, value: request.body as Buffer }))
  }
  const url = await desk.listen({ host: '127.0.0.1', port: 0 })
  cleanUp.add(() => desk.close())
  return url
}
