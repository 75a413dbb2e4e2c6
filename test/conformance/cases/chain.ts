import { ChainRun } from '../../support/chain/harness.ts'
import type { ChainOptions } from '../../support/chain/harness.ts'
import type { Site } from '../case.ts'

/**
 * Runs `body` with a chain run of its own, whose workers use the site's protocol, looks at its output once more after the
 * end and tells the site what that shows, and takes the run away.
 */
export async function withChain(
  site: Site,
  body: (run: ChainRun) => Promise<void>,
  options: ChainOptions = {},
): Promise<void> {
  const run = await ChainRun.create(site.brokers, {
    ...options,
    settings: { protocol: site.protocol, ...options.settings },
  })
  try {
    await body(run)
    site.shown(await run.lastLook())
  } finally {
    await run.close()
  }
}
