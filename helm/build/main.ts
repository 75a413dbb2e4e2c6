import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chartFiles } from './chartFiles.ts'

/** Part of `npm run docs`: writes what the chart has from elsewhere. */
for (const [path, content] of chartFiles()) {
  const file = fileURLToPath(new URL(`../onfile/${path}`, import.meta.url))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}
