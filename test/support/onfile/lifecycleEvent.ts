import { randomUUID } from 'node:crypto'
import type { Message } from 'kafkajs'

/** An account-updater event (seed 004), as far as a test says something about it. */
export interface LifecycleFields {
  readonly cardRef: string
  readonly type: string
  readonly uid?: string
  readonly status?: string
  readonly updatedAtMs?: number
  /** Left out: only the directory knows the user. */
  readonly userId?: string
}

/** The event as issuers write it: JSON with the fields of seed 004. */
export function lifecycleEvent(fields: LifecycleFields): Buffer {
  const { cardRef, type, uid = randomUUID(), status = 'enrolled', updatedAtMs = Date.now(), userId } = fields
  return Buffer.from(
    JSON.stringify({
      event_uid: uid,
      event: 'CARD_AUTOMATICALLY_UPDATED',
      ...(userId === undefined ? {} : { user_id: userId }),
      data: {
        id: cardRef,
        status: type === 'closed' ? 'closed' : status,
        type,
        enrolled_at: '2024-04-24T06:01:41.000Z',
        updated_at: new Date(updatedAtMs).toISOString(),
      },
    }),
  )
}

/** An update of the one card of each of these users (`OnfileRun.addUser`), keyed by the card. */
export function updatesOf(...userIds: readonly string[]): Message[] {
  return userIds.map(userId => {
    const cardRef = `card-${userId}`
    return { key: cardRef, value: lifecycleEvent({ cardRef, type: 'updated', userId }) }
  })
}
