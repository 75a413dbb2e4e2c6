import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { reasonsReference } from '../../../src/config/reasonsReference.ts'
import { FAILURE_REASONS } from '../../../src/domain/reasons.ts'

describe('docs/reasons.md', () => {
  test('is what `npm run docs` writes', () => {
    const page = readFileSync(new URL('../../../docs/reasons.md', import.meta.url), 'utf8')
    expect(page).toBe(reasonsReference())
  })

  test('has a row for every reason', () => {
    const page = reasonsReference()
    for (const [reason, rule] of FAILURE_REASONS) expect(page).toContain(`| ${reason} | ${rule.class} |`)
  })
})
