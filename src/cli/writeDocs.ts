import { writeFileSync } from 'node:fs'
import { accessReference } from '../config/accessReference.ts'
import { configurationReference } from '../config/reference.ts'
import { reasonsReference } from '../config/reasonsReference.ts'
import { metricsReference } from '../telemetry/reference.ts'

/** `npm run docs`: writes the pages that are made of the code's own tables. */
writeFileSync(new URL('../../docs/configuration.md', import.meta.url), configurationReference())
writeFileSync(new URL('../../docs/reasons.md', import.meta.url), reasonsReference())
writeFileSync(new URL('../../docs/metrics.md', import.meta.url), metricsReference())
writeFileSync(new URL('../../docs/access.md', import.meta.url), accessReference())
