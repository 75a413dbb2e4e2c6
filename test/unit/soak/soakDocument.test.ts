import { describe, expect, it } from 'vitest'
import { withSection } from '../../soak/soakDocument.ts'

describe('the page of the soaks', () => {
  const both = withSection(withSection('', 'conversion', 'all of them'), 'faults', 'many')

  it('has a section for each soak that has been run, in the same order whoever came first', () => {
    expect(both).toBe(withSection(withSection('', 'faults', 'many'), 'conversion', 'all of them'))
    expect(both.startsWith('# Soak\n\n<!-- faults: written by')).toBe(true)
    expect(both.indexOf('many')).toBeLessThan(both.indexOf('all of them'))
    expect(withSection('', 'faults', 'many')).not.toContain('conversion')
    expect(withSection(withSection('', 'membership', 'flat'), 'conversion', 'all of them')).toBe(
      withSection(withSection('', 'conversion', 'all of them'), 'membership', 'flat'),
    )
  })

  it('keeps the sections of the others when one is written anew', () => {
    const again = withSection(both, 'faults', 'more\n')
    expect(again).toBe(both.replace('many', 'more'))
    expect(withSection(again, 'faults', 'more')).toBe(again)
  })
})
