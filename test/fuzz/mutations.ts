import type { Random } from './random.ts'
import type { Field, FieldKind, Sample } from './sample.ts'

/**
 * Damage as disks, networks and hostile writers do it: flipped bits, cuts, fields that say too much, pieces of other
 * values, pieces twice. Each takes bytes and gives new ones; none looks at what they mean.
 */
type Mutation = (bytes: Buffer, random: Random, sample: Sample, others: readonly Sample[]) => Buffer

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  flipBits,
  setByte,
  extremeField,
  extremeField,
  extremeField,
  extremeAnywhere,
  cut,
  removeRange,
  repeatRange,
  splice,
  insertNoise,
  fillRange,
]
const MOST_MUTATIONS = 4
/** Results stay so much larger than the sample at most: what a bound on memory is measured against must be small. */
const MOST_GROWTH_BYTES = 512

const EXTREMES: Readonly<Record<Exclude<FieldKind, 'varint'>, readonly bigint[]>> = {
  int8: [0n, 1n, 2n, -1n, 127n, -128n],
  int16: [0n, 1n, -1n, -2n, 255n, 0x7fffn, -0x8000n],
  int32: [0n, 1n, -1n, -2n, 0xffffn, 0x00ffffffn, 0x7fffffffn, -0x80000000n],
  int64: [0n, 1n, -1n, 2n ** 31n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)],
}
const WIDTHS = { int8: 1, int16: 2, int32: 4, int64: 8 } as const

/** Zigzag and unsigned alike: -1, -2, large, too long, without an end. */
const EXTREME_VARINTS: readonly Buffer[] = [
  [0x00],
  [0x01],
  [0x02],
  [0x03],
  [0x7e],
  [0x7f],
  [0xff, 0x01],
  [0x80, 0x80, 0x04],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xfe, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
  [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  Array.from({ length: 160 }, () => 0x80),
].map(bytes => Buffer.from(bytes))

/** One damaged version of a sample. `others` are of the same decoder: pieces of them fit best. */
export function mutated(sample: Sample, others: readonly Sample[], random: Random): Buffer {
  if (random.chance(50)) return random.bytes(random.below(sample.bytes.length + 16))
  let bytes = sample.bytes
  for (let count = 1 + random.below(MOST_MUTATIONS); count > 0; count--) {
    bytes = random.pick(MUTATIONS)(bytes, random, sample, others)
  }
  return bytes.subarray(0, sample.bytes.length + MOST_GROWTH_BYTES)
}

function flipBits(bytes: Buffer, random: Random): Buffer {
  const result = Buffer.from(bytes)
  for (let count = 1 + random.below(3); count > 0 && result.length > 0; count--) {
    result[random.below(result.length)]! ^= 1 << random.below(8)
  }
  return result
}

function setByte(bytes: Buffer, random: Random): Buffer {
  const result = Buffer.from(bytes)
  if (result.length > 0) result[random.below(result.length)] = random.uint32()
  return result
}

function extremeField(bytes: Buffer, random: Random, { fields }: Sample): Buffer {
  if (fields.length === 0) return extremeAnywhere(bytes, random)
  return withExtreme(bytes, random.pick(fields), random)
}

function extremeAnywhere(bytes: Buffer, random: Random): Buffer {
  const kind = random.pick<FieldKind>(['int8', 'int16', 'int32', 'int64', 'varint', 'varint'])
  return withExtreme(bytes, { at: random.below(bytes.length), kind }, random)
}

function withExtreme(bytes: Buffer, { at, kind }: Field, random: Random): Buffer {
  if (kind === 'varint') {
    let end = at
    while (end < bytes.length && bytes[end]! >= 128) end++
    return replaced(bytes, at, end + 1, random.pick(EXTREME_VARINTS))
  }
  const width = WIDTHS[kind]
  if (at + width > bytes.length) return bytes
  const result = Buffer.from(bytes)
  // Half of the time a length that is nearly right: what is left behind the field, one more or less.
  const nearby = BigInt(bytes.length - at - width + random.below(3) - 1)
  const value = random.chance(2) ? nearby : random.pick(EXTREMES[kind])
  const wide = Buffer.alloc(8)
  wide.writeBigInt64BE(BigInt.asIntN(64, value))
  wide.copy(result, at, 8 - width)
  return result
}

function cut(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, random.below(bytes.length + 1))
}

function removeRange(bytes: Buffer, random: Random): Buffer {
  const [start, end] = range(bytes, random)
  return replaced(bytes, start, end, Buffer.alloc(0))
}

function repeatRange(bytes: Buffer, random: Random): Buffer {
  const [start, end] = range(bytes, random)
  const piece = bytes.subarray(start, end)
  return replaced(bytes, end, end, random.chance(4) ? Buffer.concat([piece, piece, piece]) : piece)
}

function splice(bytes: Buffer, random: Random, _sample: Sample, others: readonly Sample[]): Buffer {
  const other = random.pick(others).bytes
  const [from, to] = range(other, random)
  const [start, end] = random.chance(2) ? range(bytes, random) : [random.below(bytes.length), bytes.length]
  return replaced(bytes, start, end, other.subarray(from, to))
}

function insertNoise(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1)
  return replaced(bytes, at, at, random.bytes(1 + random.below(12)))
}

function fillRange(bytes: Buffer, random: Random): Buffer {
  const [start, end] = range(bytes, random)
  return Buffer.from(bytes).fill(random.pick([0x00, 0xff, 0x80, 0x7f, 0x01]), start, end)
}

/** Short ones more often than long ones. */
function range(bytes: Buffer, random: Random): [number, number] {
  const start = random.below(bytes.length + 1)
  const most = random.chance(3) ? bytes.length : 16
  return [start, Math.min(bytes.length, start + random.below(most + 1))]
}

function replaced(bytes: Buffer, start: number, end: number, piece: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, start), piece, bytes.subarray(end)])
}
