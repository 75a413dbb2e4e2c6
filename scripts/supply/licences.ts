import { readFileSync, writeFileSync } from 'node:fs'
import { licenceProblems } from './licencePolicy.ts'
import { licencesPage } from './licencesPage.ts'
import { productionPackages, readLock } from './lockedPackages.ts'
import type { LockedPackage } from './lockedPackages.ts'

/** `npm run licences`: writes docs/licences.md; exit code 1 where a licence is not listed or an installed package says another. */

/** The lock tells what the registry said; the package that is installed must say the same. */
function contradictions(packages: readonly LockedPackage[]): string[] {
  return packages.flatMap(({ path, ref, licence }) => {
    let manifest: { license?: string }
    try {
      const file = new URL(`../../${path}/package.json`, import.meta.url)
      manifest = JSON.parse(readFileSync(file, 'utf8')) as { license?: string }
    } catch {
      return [] // For another platform: not installed here.
    }
    const declared = manifest.license ?? null
    return declared === licence
      ? []
      : [`${ref}: the lock says ${licence ?? 'nothing'}, the installed package says ${declared ?? 'nothing'}`]
  })
}

const packages = productionPackages(readLock())
const problems = [...licenceProblems(packages), ...contradictions(packages)]
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)
writeFileSync(new URL('../../docs/licences.md', import.meta.url), licencesPage(packages))
console.log(`${packages.length} packages of production, all under listed licences: docs/licences.md`)
