import { writeFileSync } from 'node:fs'
import { configurationReference } from '../config/reference.ts'
import { reasonsReference } from '../config/reasonsReference.ts'
import { metricsReference } from '../telemetry/reference.ts'

/** `npm run docs`: writes the pages that are made of the code's own tables. */
writeFileSync(new URL('../../docs/configuration.md', import.meta.url), configurationReference())
writeFileSync(new URL('../../docs/reasons.md', import.meta.url), reasonsReference())
writeFileSync(new URL('../../docs/metrics.md', import.meta.url), metricsReference())
