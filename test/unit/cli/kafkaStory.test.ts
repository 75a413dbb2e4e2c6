import { expect, it } from 'vitest'
import { RegistryUnavailableError, UnknownSchemaError } from '../../../src/avro/errors.ts'
import type { RecordCodec } from '../../../src/avro/records.ts'
import { tellAll } from '../../../src/cli/user/kafkaStory.ts'
import type { Told } from '../../../src/cli/user/story.ts'
import type { UserEvent } from '../../../src/domain/records.ts'
import { RecordView } from '../../../src/kafka/recordView.ts'
import { createUserEventCodec, operatorOrder } from '../../support/operatorOrder.ts'

const own = createUserEventCodec()

function codec(loading: Error): RecordCodec<UserEvent> {
  return {
    ...own,
    schemaId: 1,
    missing: (buffer, start) => (buffer[start + 4] === 9 ? 9 : undefined),
    load: () => Promise.reject(loading),
  }
}

function recordOf(value: Buffer, offset: number): RecordView {
  const view = new RecordView()
  view.buffer = value
  view.offset = offset
  view.valueStart = 0
  view.valueEnd = value.length
  return view
}

const order = own.bytes(operatorOrder('user-1', { action: 'CANCEL' }))
const records = [
  recordOf(Buffer.from('garbage'), 3),
  recordOf(order, 4),
  recordOf(order.subarray(0, -1), 5),
  recordOf(Buffer.from([0, 0, 0, 0, 9, 1]), 6),
]

it('what cannot be read is told by its place, and hides nothing of the rest', async () => {
  const unreadable: Told<null>[] = []
  const told = await tellAll(records, 'onfile-user-events', codec(new UnknownSchemaError(9, 'unknown')), unreadable)
  expect(told.map(({ offset }) => offset)).toEqual([4])
  expect(unreadable.map(({ topic, offset }) => `${topic} ${offset}`)).toEqual([
    'onfile-user-events 3',
    'onfile-user-events 5',
    'onfile-user-events 6',
  ])
})

it('a registry that does not answer is an error: what it knows may be read', async () => {
  const away = new RegistryUnavailableError('registry', 'no answer')
  await expect(tellAll(records, 'onfile-user-events', codec(away), [])).rejects.toThrow(away)
})
