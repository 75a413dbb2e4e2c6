import { writeFileSync } from 'node:fs'
import { configurationReference } from '../config/reference.ts'
import { reasonsReference } from '../config/reasonsReference.ts'

/** `npm run docs`: writes the pages that are made of the code's own tables. */
writeFileSync(new URL('../../docs/configuration.md', import.meta.url), configurationReference())
writeFileSync(new URL('../../docs/reasons.md', import.meta.url), reasonsReference())
