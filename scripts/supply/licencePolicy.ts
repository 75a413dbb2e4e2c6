import type { LockedPackage } from './lockedPackages.ts'

/** Licences that ask for no more than their text beside the copy. Another one is somebody's decision, then it goes here. */
export const ALLOWED_LICENCES: ReadonlySet<string> = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
])

/** Packages whose manifest declares no licence: what their LICENSE file says, read by a person, for that version only. */
export const READ_LICENCES: ReadonlyMap<string, string> = new Map([['@kafkajs/confluent-schema-registry@4.1.0', 'MIT']])

/** Declared, or read by a person; null where neither. */
export function licenceOf({ ref, licence }: Pick<LockedPackage, 'ref' | 'licence'>): string | null {
  return licence ?? READ_LICENCES.get(ref) ?? null
}

/** One sentence for each package that may not be shipped as it is: what is wrong and what to do. */
export function licenceProblems(packages: readonly Pick<LockedPackage, 'ref' | 'licence'>[]): string[] {
  return packages.flatMap(found => {
    const licence = licenceOf(found)
    if (licence === null) {
      return [
        `${found.ref} declares no licence: read its LICENSE file and write down what it says in scripts/supply/licencePolicy.ts, or do without it`,
      ]
    }
    // An expression such as "MIT OR GPL-2.0" is not taken apart: which branch is taken is a decision too.
    if (ALLOWED_LICENCES.has(licence)) return []
    return [
      `${found.ref} is under ${licence}, which is not listed: whoever answers for licences must allow it in scripts/supply/licencePolicy.ts, or do without it`,
    ]
  })
}
