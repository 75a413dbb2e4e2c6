import type { Target } from '../../fuzz/target.ts'

/** Decoders that break the law in ways that only a watching thread survives. */
export function targets(): Promise<readonly Target[]> {
  const samples = [{ bytes: Buffer.alloc(20, 1), fields: [] }]
  const isTyped = (): boolean => true
  return Promise.resolve([
    {
      name: 'endless',
      samples,
      isTyped,
      decode: bytes => {
        while (bytes.length === 7) continue
      },
    },
    {
      name: 'voracious',
      samples,
      isTyped,
      decode: bytes => {
        const kept: object[] = []
        while (bytes.length === 9) kept.push({ kept: kept.length })
      },
    },
  ])
}
