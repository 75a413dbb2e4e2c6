import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { targets } from '../../fuzz/table.ts'

it('docs/fuzzing.md is of a run of every decoder that there is: `npm run fuzz -- --write`', async () => {
  const page = readFileSync(new URL('../../../docs/fuzzing.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| (.+) \| \d+ \| \d+ \| \d+ \| [\d.]+ \|$/gm)].map(([, name]) => name)
  expect(rows).toEqual((await targets()).map(({ name }) => name))
})
