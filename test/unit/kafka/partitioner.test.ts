import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { murmur2, partitionForKey } from '../../../src/kafka/partitioner.ts'

describe('murmur2', () => {
  // org.apache.kafka.common.utils.UtilsTest.testMurmur2
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])("gives %s the hash of Kafka's own test", (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
  })
})

describe('the partition of a key', () => {
  it('lies within the topic, for every key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 1_000 }), (key, count) => {
        const partition = partitionForKey(Buffer.from(key), count)
        expect(Number.isInteger(partition) && partition >= 0 && partition < count).toBe(true)
      }),
    )
  })

  it('is the positive hash modulo the count', () => {
    expect(partitionForKey(Buffer.from('21'), 12)).toBe((-973932308 & 0x7fffffff) % 12)
  })
})
