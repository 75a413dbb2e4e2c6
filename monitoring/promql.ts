const WORDS = new Set(
  (
    'and or unless by without on ignoring group_left group_right offset bool sum max min avg count topk bottomk ' +
    'quantile count_values stddev group inf nan'
  ).split(' '),
)
const IDENTIFIER = /[a-zA-Z_:][a-zA-Z0-9_:]*/g

/** What a PromQL expression asks for. Reads names, it does not judge syntax: that is Prometheus' work. */
export interface Asked {
  /** Series names as written, so `x_bucket` for a histogram. */
  readonly metrics: readonly string[]
  /** Labels in matchers, and in `by` and `on`. */
  readonly labels: readonly string[]
}

/** Names of metrics and labels in `expr`; functions, words of the language and texts are none. */
export function asked(expr: string): Asked {
  const labels = new Set<string>()
  const withoutTexts = expr.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\[[^\]]*\]/g, '')
  const withoutMatchers = withoutTexts.replace(/\{([^}]*)\}/g, (_, inside: string) => {
    for (const [name] of inside.matchAll(IDENTIFIER)) labels.add(name)
    return ' '
  })
  const withoutLists = withoutMatchers.replace(
    /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g,
    (_, inside: string) => {
      for (const [name] of inside.matchAll(IDENTIFIER)) labels.add(name)
      return ' '
    },
  )
  const metrics = new Set<string>()
  for (const { 0: name, index } of withoutLists.matchAll(IDENTIFIER)) {
    const before = withoutLists[index - 1] ?? ''
    if (/[0-9.]/.test(before) || WORDS.has(name.toLowerCase())) continue
    if (!/^\s*\(/.test(withoutLists.slice(index + name.length))) metrics.add(name)
  }
  return { metrics: [...metrics], labels: [...labels] }
}
