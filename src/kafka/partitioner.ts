/**
 * murmur2 of a record key as Kafka's Java client computes it (`org.apache.kafka.common.utils.Utils.murmur2`): signed 32
 * bits.
 */
export function murmur2(key: Buffer): number {
  const length = key.length
  const m = 0x5bd1e995
  let hash = 0x9747b28c ^ length
  const words = length & ~3
  for (let at = 0; at < words; at += 4) {
    let k = Math.imul(key.readInt32LE(at), m)
    k ^= k >>> 24
    hash = Math.imul(hash, m) ^ Math.imul(k, m)
  }
  const rest = length & 3
  if (rest === 3) hash ^= key[words + 2]! << 16
  if (rest >= 2) hash ^= key[words + 1]! << 8
  if (rest >= 1) hash = Math.imul(hash ^ key[words]!, m)
  hash ^= hash >>> 13
  hash = Math.imul(hash, m)
  return hash ^ (hash >>> 15)
}

/**
 * The partition that Java's default partitioner gives a record with this key, so that operators and connectors which
 * write to our topics meet the same partition.
 */
export function partitionForKey(key: Buffer, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount
}
