import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/kafka/consumerProtocol.ts'
import { ProtocolError } from '../../src/kafka/errors.ts'
import { FieldWriter } from './sample.ts'
import type { Sample } from './sample.ts'
import type { Target } from './target.ts'

const owned = [0, 1, 2].map(partition => ({ topic: 'cards', partition }))
const warm = [{ topic: 'knot', partition: 9 }]

/** What members of the group tell each other: written by other processes, of this release or another one. */
export function membershipTargets(): readonly Target[] {
  const isTyped = (error: unknown) => error instanceof ProtocolError
  return [
    {
      name: 'decodeSubscription',
      samples: [
        described(encodeSubscription({ topics: ['cards', 'knot'], owned, warm, generation: 4 }, 7)),
        described(encodeSubscription({ topics: [], owned: [], warm: [], generation: -1 }, 0)),
        described(encodeSubscription({ topics: ['cards'], owned, warm, generation: 4, adminUrl: 'http://a:1' }, 7)),
      ],
      decode: bytes => decodeSubscription(bytes),
      isTyped,
    },
    {
      name: 'decodeAssignment',
      samples: [described(encodeAssignment([...owned, ...warm])), described(encodeAssignment([]))],
      decode: bytes => decodeAssignment(bytes),
      isTyped,
    },
  ]
}

/** Every second byte may begin an int16 or int32: lengths are found often enough in so few bytes. */
function described(bytes: Buffer): Sample {
  const writer = new FieldWriter()
  writer.raw(bytes)
  const fields = Array.from({ length: bytes.length / 2 }, (_, index) => {
    return { at: index * 2, kind: index % 2 === 0 ? ('int16' as const) : ('int32' as const) }
  })
  return { bytes: writer.sample().bytes, fields }
}
