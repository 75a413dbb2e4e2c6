/**
 * Error codes in the answers of Kafka, in the versions that this project's client asks for: where they stand in an answer,
 * and answers that a broker gives without acting.
 */
import { Reader, Writer } from '../../src/kafka/wire.ts'
import type { ApiName } from './kafkaApis.ts'

const INT16 = 2
/** Length and correlation id, before the body of an answer that is not flexible. */
const HEAD = 8

/** Reads an answer up to each of its error codes and calls back there. */
type Walk = (reader: Reader, here: () => void) => void

/** A head without tagged fields, the throttle time, the code. */
const afterThrottle: Walk = (reader, here) => {
  reader.int32()
  here()
}

const afterTagsAndThrottle: Walk = (reader, here) => {
  reader.tags()
  reader.int32()
  here()
}

/** Flexible answers that say a code for each partition: the head, what `head` reads, topics, `place` for each partition. */
function ofPartitions(head: (reader: Reader) => void, place: Walk): Walk {
  return (reader, here) => {
    reader.tags()
    head(reader)
    reader.compactArray(() => {
      reader.compactString()
      reader.compactArray(() => {
        reader.int32()
        place(reader, here)
        reader.tags()
      })
      reader.tags()
    })
  }
}

const throttled = ofPartitions(
  reader => reader.int32(),
  (_reader, here) => here(),
)

const WALKS: Readonly<Record<ApiName, Walk>> = {
  Produce: ofPartitions(
    () => undefined,
    (reader, here) => {
      here()
      for (let field = 0; field < 3; field++) reader.int64()
      reader.compactArray(() => {
        reader.int32()
        reader.nullableCompactString()
        reader.tags()
      })
      reader.nullableCompactString()
    },
  ),
  Fetch: (reader, here) => {
    reader.int32()
    reader.int16()
    reader.int32()
    reader.array(() => {
      reader.string()
      reader.array(() => {
        reader.int32()
        here()
        for (let field = 0; field < 3; field++) reader.int64()
        reader.array(() => [reader.int64(), reader.int64()])
        reader.int32()
        reader.nullableBytes()
      })
    })
  },
  ListOffsets: (reader, here) => {
    reader.int32()
    reader.array(() => {
      reader.string()
      reader.array(() => {
        reader.int32()
        here()
        reader.int64()
        reader.int64()
      })
    })
  },
  Metadata: (reader, here) => {
    reader.int32()
    reader.array(() => [reader.int32(), reader.string(), reader.int32(), reader.nullableString()])
    reader.nullableString()
    reader.int32()
    reader.array(() => {
      here()
      reader.string()
      reader.boolean()
      reader.array(() => {
        reader.int16()
        for (let field = 0; field < 3; field++) reader.int32()
        for (let list = 0; list < 3; list++) reader.array(() => reader.int32())
      })
    })
  },
  OffsetFetch: ofPartitions(
    reader => reader.int32(),
    (reader, here) => {
      reader.int64()
      reader.int32()
      reader.nullableCompactString()
      here()
    },
  ),
  FindCoordinator: afterThrottle,
  JoinGroup: afterThrottle,
  Heartbeat: afterThrottle,
  LeaveGroup: afterThrottle,
  SyncGroup: afterThrottle,
  InitProducerId: afterTagsAndThrottle,
  AddPartitionsToTxn: throttled,
  AddOffsetsToTxn: afterTagsAndThrottle,
  EndTxn: afterTagsAndThrottle,
  TxnOffsetCommit: throttled,
}

/** Answers that say a code for all that was asked as well. */
const WHOLE_WALKS: Readonly<Partial<Record<ApiName, Walk>>> = {
  Fetch: afterThrottle,
  OffsetFetch: (reader, here) => {
    WALKS.OffsetFetch(reader, () => reader.int16())
    here()
  },
}

/**
 * Puts a code into each place of an answer that has one for a part of what was asked, or, with `whole`, into the one for all
 * of it; the frame begins with its length.
 */
export function writeErrors(api: ApiName, answer: Buffer, errorCode: number, whole = false): void {
  const reader = new Reader(answer, HEAD)
  let places = 0
  const here = () => {
    const at = answer.length - reader.remaining
    if (at + INT16 > answer.length) throw new Error(`no error code in an answer of ${api}`)
    answer.writeInt16BE(errorCode, at)
    reader.int16()
    places++
  }
  const walk = whole ? WHOLE_WALKS[api] : WALKS[api]
  walk?.(reader, here)
  if (places === 0) throw new Error(`no error code in an answer of ${api}`)
}

/** Topics and partitions of a request that names them, in its order. */
function partitionsOf(reader: Reader, skip: (reader: Reader) => void): Map<string, number[]> {
  const named = new Map<string, number[]>()
  reader.compactArray(() => {
    const topic = reader.compactString()
    const numbers = reader.compactArray(() => {
      const partition = reader.int32()
      skip(reader)
      return partition
    })
    reader.tags()
    named.set(topic, numbers)
  })
  return named
}

/** After api key, version and correlation id: the client's name, and the head's tagged fields. */
function bodyOf(request: Buffer): Reader {
  const reader = new Reader(request, HEAD)
  reader.nullableString()
  reader.tags()
  return reader
}

function answerHead(request: Buffer): Writer {
  return new Writer().int32(0).raw(request.subarray(4, HEAD)).emptyTags()
}

/**
 * An answer with this code to a request of a transaction, as a broker gives it that has done nothing: the frame, without
 * its length filled in. `request` begins with the api key.
 */
export function refusalOf(api: ApiName, request: Buffer, errorCode: number): Writer {
  const version = request.readInt16BE(2)
  const reader = bodyOf(request)
  const answer = answerHead(request)
  switch (api) {
    case 'Produce': {
      reader.nullableCompactString()
      reader.int16()
      reader.int32()
      const named = partitionsOf(reader, inside => {
        // The batch: bytes, with their length as a string has it.
        inside.nullableCompactString()
        inside.tags()
      })
      answer.compactArray([...named], ([topic, numbers]) => {
        answer.compactString(topic).compactArray(numbers, number => {
          answer.int32(number).int16(errorCode).int64(-1).int64(-1).int64(-1)
          answer.compactArray([], () => undefined)
          answer.compactString(null).emptyTags()
        })
        answer.emptyTags()
      })
      return answer.int32(0).emptyTags()
    }
    case 'AddPartitionsToTxn':
    case 'TxnOffsetCommit': {
      reader.compactString()
      if (api === 'TxnOffsetCommit') reader.compactString()
      reader.int64()
      reader.int16()
      if (api === 'TxnOffsetCommit') {
        reader.int32()
        reader.compactString()
        reader.nullableCompactString()
      }
      const named = partitionsOf(reader, inside => {
        if (api === 'AddPartitionsToTxn') return
        inside.int64()
        inside.int32()
        inside.nullableCompactString()
        inside.tags()
      })
      answer.int32(0).compactArray([...named], ([topic, numbers]) => {
        answer.compactString(topic).compactArray(numbers, number => answer.int32(number).int16(errorCode).emptyTags())
        answer.emptyTags()
      })
      return answer.emptyTags()
    }
    case 'AddOffsetsToTxn':
      return answer.int32(0).int16(errorCode).emptyTags()
    case 'EndTxn':
      answer.int32(0).int16(errorCode)
      if (version >= 5) answer.int64(-1).int16(-1)
      return answer.emptyTags()
    default:
      throw new Error(`no refusal of ${api} is known`)
  }
}
