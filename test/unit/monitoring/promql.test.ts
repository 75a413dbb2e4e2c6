import { describe, expect, test } from 'vitest'
import { asked } from '../../../monitoring/promql.ts'

describe('what an expression asks for', () => {
  test.each([
    ['onfile_a_total', ['onfile_a_total'], []],
    [
      'sum by (job, role) (rate(onfile_a_total{result="lost",role=~"a|b"}[5m]))',
      ['onfile_a_total'],
      ['result', 'role', 'job'],
    ],
    ['a > 1e3 and on (job) b offset 5m', ['a', 'b'], ['job']],
    ['job:late:ratio_rate5m > 0.144 or 0 * max(c)', ['job:late:ratio_rate5m', 'c'], []],
    ['histogram_quantile(0.99, sum by (le) (rate(x_bucket[10m])))', ['x_bucket'], ['le']],
    ['a{text="b{c} by (d)"}', ['a'], ['text']],
    ['absent(up)', ['up'], []],
  ])('%s', (expr, metrics, labels) => {
    expect(asked(expr)).toEqual({ metrics, labels })
  })
})
