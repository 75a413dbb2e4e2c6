import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { licenceProblems, READ_LICENCES } from '../../../scripts/supply/licencePolicy.ts'
import { licencesPage } from '../../../scripts/supply/licencesPage.ts'
import { productionPackages, readLock } from '../../../scripts/supply/lockedPackages.ts'
import type { Lock } from '../../../scripts/supply/lockedPackages.ts'

const lock = readLock()
const withPackage = (entry: Lock['packages'][string]): Lock => ({
  packages: { ...lock.packages, 'node_modules/pino/node_modules/newcomer': { version: '1.2.3', ...entry } },
})
const problemsWith = (entry: Lock['packages'][string]) => licenceProblems(productionPackages(withPackage(entry)))

describe('licences of what runs', () => {
  test('are all listed', () => {
    expect(licenceProblems(productionPackages(lock))).toEqual([])
  })

  test.each(['GPL-3.0-only', 'SSPL-1.0', 'MIT OR GPL-2.0', 'SEE LICENSE IN LICENSE', 'UNLICENSED'])(
    'a new dependency under %s is refused until somebody lists it',
    license => {
      expect(problemsWith({ license })).toEqual([expect.stringMatching(/^newcomer@1\.2\.3 is under .* not listed/)])
    },
  )

  test('a new dependency that declares none is refused until somebody has read it', () => {
    expect(problemsWith({})).toEqual([expect.stringMatching(/^newcomer@1\.2\.3 declares no licence/)])
  })

  test('a new dependency under a listed one, and any tool of development, passes', () => {
    expect(problemsWith({ license: 'MIT' })).toEqual([])
    expect(problemsWith({ license: 'GPL-3.0-only', dev: true })).toEqual([])
  })

  test('what was read by a person was read in the version that is installed', () => {
    const refs = productionPackages(lock).map(({ ref }) => ref)
    for (const [ref, licence] of READ_LICENCES) {
      expect(refs).toContain(ref)
      const text = readFileSync(
        new URL(`../../../node_modules/${ref.replace(/@[^@]+$/, '')}/LICENSE`, import.meta.url),
        'utf8',
      )
      expect(text.startsWith(`${licence} License`)).toBe(true)
    }
  })

  test('stand in docs/licences.md as they are (npm run licences writes it)', () => {
    const page = readFileSync(new URL('../../../docs/licences.md', import.meta.url), 'utf8')
    expect(page).toBe(licencesPage(productionPackages(lock)))
  })
})
