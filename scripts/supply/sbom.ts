import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { billOfMaterials } from './billOfMaterials.ts'
import type { Bom } from './billOfMaterials.ts'
import { productionPackages, readLock } from './lockedPackages.ts'

/** `npm run sbom [-- <file>]`: CycloneDX JSON of what runs, by default to dist/sbom.cdx.json. Asks no registry. */

const root = fileURLToPath(new URL('../../', import.meta.url))
const file = process.argv[2] ?? `${root}dist/sbom.cdx.json`
const words = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--offline']
const written = execFileSync('npm', words, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 })
const { name } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { name: string }
const bom = billOfMaterials(JSON.parse(written) as Bom, productionPackages(readLock()), name)
mkdirSync(dirname(file), { recursive: true })
writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`)
console.log(`${bom.components.length} components: ${process.argv[2] ?? 'dist/sbom.cdx.json'}`)
