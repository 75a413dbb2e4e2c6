import { recordCodecs } from '../../src/avro/records.ts'
import { hintValue, merchantKey, PUSHES_KEY, readControl, switchValue } from '../../src/processors/control.ts'
import { readUserEvent } from '../../src/processors/decide/readUserEvent.ts'
import { PanFields } from '../../src/processors/ingest/panFields.ts'
import { readCommand } from '../../src/processors/provision/readCommand.ts'
import { partitionForKey } from '../../src/kafka/partitioner.ts'
import { RecordView } from '../../src/kafka/recordView.ts'
import { SchemaShelf } from '../support/ingestHarness.ts'
import { sampleBodies, sampleCommand, userEventOf } from '../support/sampleRecords.ts'
import { plainSample } from './sample.ts'
import type { Sample } from './sample.ts'
import type { Target } from './target.ts'

const IDS = { 'user-event': 1, 'provisioning-command': 2, 'card-outcome': 3, 'card-suppression': 4 }
const AT = 1_743_132_938_947
const FROM = {
  topic: 'onfile-user-events',
  partition: 0,
  partitionOf: (userId: string) => partitionForKey(Buffer.from(userId, 'utf8'), 1),
  isOurs: false,
  panFields: new PanFields(null),
}

/**
 * What DECIDE, PROVISION and every process read from onfile's own topics, where operators and other tools write too. They
 * throw nothing at all: what cannot be read is said to be unreadable.
 */
export function ownTopicTargets(): readonly Target[] {
  const { userEvents, provisioningCommands } = recordCodecs(new SchemaShelf(), IDS)
  const order = { pushes: 'paused', actor: 'ann', reason: 'an incident', atMs: AT } as const
  const isTyped = (): boolean => false
  return [
    {
      name: 'DECIDE on a user event',
      samples: sampleBodies.map(body => sampleOf(userEvents, userEventOf(body))),
      decode: bytes => readUserEvent(viewOf(null, bytes), userEvents, FROM),
      isTyped,
      share: 0.5,
    },
    {
      name: 'PROVISION on a command',
      samples: [sampleOf(provisioningCommands, sampleCommand)],
      decode: bytes => readCommand(viewOf(null, bytes), provisioningCommands),
      isTyped,
      share: 0.5,
    },
    {
      name: 'the control topic',
      samples: [switchValue(order), hintValue({ merchantId: 11, up: false, atMs: AT })].map(plainSample),
      decode: bytes => [PUSHES_KEY, merchantKey(11), null].map(key => readControl(viewOf(key, bytes))),
      isTyped,
      share: 0.5,
    },
  ]
}

function sampleOf<T>(codec: { encode(value: T, buffer: Buffer, position: number): number }, value: T): Sample {
  const buffer = Buffer.alloc(4 << 10)
  return plainSample(buffer.subarray(0, codec.encode(value, buffer, 0)))
}

function viewOf(key: string | null, value: Buffer): RecordView {
  const keyBytes = Buffer.from(key ?? '')
  const view = new RecordView()
  view.buffer = Buffer.concat([keyBytes, value])
  view.offset = 1
  view.keyEnd = key === null ? -1 : keyBytes.length
  view.valueStart = keyBytes.length
  view.valueEnd = view.headersStart = view.recordEnd = view.buffer.length
  return view
}
