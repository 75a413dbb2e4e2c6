import { licenceOf, READ_LICENCES } from './licencePolicy.ts'
import type { LockedPackage } from './lockedPackages.ts'

/** `docs/licences.md`: the packages of production, by licence. */
export function licencesPage(packages: readonly LockedPackage[]): string {
  const byLicence = Map.groupBy(packages, found => licenceOf(found) ?? 'none declared')
  const sections = [...byLicence]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([licence, of]) => {
      const refs = [...new Set(of.map(found => `\`${found.ref}\`${found.optional ? ' *' : ''}`))]
      return `## ${licence} (${refs.length})\n\n${refs.join(',\n')}\n`
    })
  const read = [...READ_LICENCES].map(([ref, licence]) => `\`${ref}\` (${licence})`)
  return `# Licences of what runs

Generated from package-lock.json by \`npm run licences\`; a test fails when it is stale, and when a package comes in under a licence that
\`scripts/supply/licencePolicy.ts\` does not list. onfile itself is under Apache-2.0.

All that \`npm ci --omit=dev\` may install, on any platform; * for what is optional: binaries for one platform, of which an image has its
own. Declared in each package's manifest; read in its LICENSE file where the manifest says nothing: ${read.join(', ')}.
The texts are in the packages, and the image holds the packages whole. Node and the base image have licences of their own.

${sections.join('\n')}`
}
