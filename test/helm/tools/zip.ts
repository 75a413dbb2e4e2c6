import { inflateRawSync } from 'node:zlib'

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const DEFLATED = 8

/**
 * One file out of a zip archive (APPNOTE.TXT: central directory, stored or deflated entries, no zip64).
 * @throws RangeError where there is no such file
 */
export function unzipped(archive: Buffer, name: string): Buffer {
  let end = archive.length - 22
  while (end >= 0 && archive.readUInt32LE(end) !== END_OF_DIRECTORY) end--
  if (end < 0) throw new RangeError('not a zip archive')
  let at = archive.readUInt32LE(end + 16)
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    if (archive.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new RangeError('a zip archive with a damaged directory')
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map(offset => archive.readUInt16LE(at + offset))
    if (archive.toString('utf8', at + 46, at + 46 + nameBytes!) === name) return contentAt(archive, at)
    at += 46 + nameBytes! + extraBytes! + commentBytes!
  }
  throw new RangeError(`no ${name} in the zip archive`)
}

function contentAt(archive: Buffer, entry: number): Buffer {
  const method = archive.readUInt16LE(entry + 10)
  const size = archive.readUInt32LE(entry + 20)
  const local = archive.readUInt32LE(entry + 42)
  const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
  const content = archive.subarray(start, start + size)
  return method === DEFLATED ? inflateRawSync(content) : content
}
