import avsc from 'avsc'
import { asciiText, isAscii, MAX_ASCII_TEXT_BYTES } from './asciiText.ts'

/** The part of avsc's cursor that is used here. A position behind the buffer is how avsc says "too short". */
interface Tap {
  readonly buf: TextBuffer
  pos: number
  readString(): string | undefined
  writeString(value: string): void
}

/** Node's own functions below `toString` and `write`, without their checks; avsc calls them too. */
type TextBuffer = Buffer & {
  utf8Slice(start: number, end: number): string
  /** Bytes written. */
  utf8Write(value: string, position: number, maxBytes: number): number
}

/** Lengths up to here take one byte on the wire (zigzag), up to the second two. */
const ONE_BYTE_LENGTH = 64
const TWO_BYTE_LENGTH = 8_192
/** Up to here a loop over the characters costs less than one call of `utf8Write` (`node bench/avro.ts`: texts of 7, 12, 24). */
const MAX_LOOP_CHARS = 12
/** UTF-8 of one UTF-16 unit at most. */
const MAX_UTF8_BYTES = 3

interface Writer {
  _write(tap: Tap, value: unknown): void
}

const avscString = avsc.types.StringType.prototype as unknown as Writer

/**
 * avsc's string type at the speed that the hot path needs. avsc counts the bytes before it writes them and asks Node for
 * every word that it reads. Same bytes, same values, same name and fingerprint; what is not short, near the end of the
 * buffer or no string at all goes avsc's way. Lone surrogates become U+FFFD as in every `Buffer` (avsc writes invalid UTF-8
 * for them). `_read` and `_write` are internal to avsc: `textType.test.ts` fails when a new one no longer calls them.
 *
 * What it saves: `node bench/avro.ts` measures texts through avsc's type and this one in turn; whole records with all own
 * types, before and after, stand in bench/RESULTS.md, "Avro codecs".
 */
class TextType extends avsc.types.StringType {
  /** Also called with an avsc resolver as `this`. */
  _read(tap: Tap): string | undefined {
    const { buf } = tap
    const lengthByte = buf[tap.pos]!
    const start = tap.pos + 1
    const end = start + (lengthByte >> 1)
    // Longer than a byte can say, negative, behind the end, or a position that is no number.
    if ((lengthByte & 0x81) !== 0 || !(end <= buf.length)) return tap.readString()
    tap.pos = end
    if (end - start <= MAX_ASCII_TEXT_BYTES && isAscii(buf, start, end)) return asciiText(buf, start, end - start)
    return buf.utf8Slice(start, end)
  }

  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'string') return avscString._write.call(this, tap, value)
    if (!writeWithRoom(tap, value)) tap.writeString(value.toWellFormed())
  }
}

/** Writes without counting first; false, and the position as it was, where that cannot be done. */
function writeWithRoom(tap: Tap, value: string): boolean {
  const { buf, pos } = tap
  const { length } = value
  if (pos + 2 + length * MAX_UTF8_BYTES > buf.length) return false
  if (length <= MAX_LOOP_CHARS) return writeShort(tap, value)
  if (length < ONE_BYTE_LENGTH) {
    const bytes = buf.utf8Write(value, pos + 1, length * MAX_UTF8_BYTES)
    if (bytes >= ONE_BYTE_LENGTH) return false
    buf[pos] = bytes << 1
    tap.pos = pos + 1 + bytes
    return true
  }
  if (length * MAX_UTF8_BYTES >= TWO_BYTE_LENGTH) return false
  const bytes = buf.utf8Write(value, pos + 2, length * MAX_UTF8_BYTES)
  buf[pos] = (bytes << 1) | 0x80
  buf[pos + 1] = bytes >> 6
  tap.pos = pos + 2 + bytes
  return true
}

function writeShort(tap: Tap, value: string): boolean {
  const { buf, pos } = tap
  const { length } = value
  let seen = 0
  for (let i = 0; i < length; i++) {
    const unit = value.charCodeAt(i)
    seen |= unit
    buf[pos + 1 + i] = unit
  }
  if (seen >= 0x80) return false
  buf[pos] = length << 1
  tap.pos = pos + 1 + length
  return true
}

/** One for all schemas: a string type has no attributes of its own. */
const text = new TextType()

/** A `typeHook` for `Type.forSchema`: plain strings become `TextType`, a logical type over a string stays avsc's. */
export function textStrings(schema: avsc.Schema): avsc.Type | undefined {
  if (schema === 'string') return text
  if (typeof schema !== 'object' || !('type' in schema) || schema.type !== 'string') return undefined
  return 'logicalType' in schema ? undefined : text
}
