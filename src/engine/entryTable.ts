import { type KeyTable, stirred } from '../store/keyTable.ts'

/** A key with so many characters at most is written by a loop: that beats a call into C++. Ids are short and ASCII. */
const LOOP_CHARACTERS = 64
const FIRST_BYTES = 256

/**
 * One table's keys as they stand in the changelog and in the store: the table's prefix and UTF-8. A record asks for a
 * key several times one after the other, so the key that was read last is kept, with its hash and its slot.
 */
export class EntryTable {
  readonly prefix: string
  /** The prefix and behind it the key that was read last, up to `end`. Used again and again: to be copied at once. */
  bytes: Buffer
  end = 0
  /** Of those bytes, as the table of all keys wants it. */
  hash = 0
  /** Of the key that was read last: -1 if it has none. True as long as `slotAge` is that of the entries. */
  slot = -1
  slotAge = -1
  private key: string | null = null
  private readonly keys: KeyTable
  private readonly prefixBytes: number
  private readonly prefixHash: number
  /** A view of `bytes` per length, so that a change makes no new one. */
  private readonly views: (Buffer | undefined)[] = []

  constructor(prefix: string, keys: KeyTable) {
    const bytes = Buffer.from(prefix)
    this.prefix = prefix
    this.keys = keys
    this.prefixBytes = bytes.length
    this.prefixHash = keys.stir(keys.firstHash, bytes, 0, bytes.length)
    this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES + bytes.length)
    bytes.copy(this.bytes)
  }

  /** True if it is the key that was read last. */
  has(key: string): boolean {
    return this.key === key
  }

  read(key: string): void {
    this.key = key
    const { length } = key
    if (length > LOOP_CHARACTERS) return this.readAny(key)
    const { bytes } = this
    let to = this.prefixBytes
    let hash = this.prefixHash
    for (let i = 0; i < length; i++) {
      const unit = key.charCodeAt(i)
      if (unit > 0x7f) return this.readAny(key)
      bytes[to++] = unit
      hash = stirred(hash, unit)
    }
    this.end = to
    this.hash = this.keys.mix(hash)
  }

  /** The bytes of the key that was read last: good until the next one is. */
  get view(): Buffer {
    const { bytes, end } = this
    if (end > FIRST_BYTES) return bytes.subarray(0, end)
    return (this.views[end] ??= bytes.subarray(0, end))
  }

  private readAny(key: string): void {
    const { prefixBytes } = this
    const most = prefixBytes + key.length * 3
    if (most > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(most)
      this.bytes.copy(larger, 0, 0, prefixBytes)
      this.bytes = larger
      this.views.length = 0
    }
    this.end = prefixBytes + this.bytes.write(key, prefixBytes, 'utf8')
    this.hash = this.keys.mix(this.keys.stir(this.prefixHash, this.bytes, prefixBytes, this.end))
  }
}
