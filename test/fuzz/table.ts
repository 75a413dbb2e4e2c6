import { avroTargets } from './avro.ts'
import { batchTargets } from './batches.ts'
import { ingestTargets } from './ingest.ts'
import { membershipTargets } from './membership.ts'
import { ownTopicTargets } from './ownTopics.ts'
import { responseTargets } from './responses.ts'
import type { Target } from './target.ts'

/** Every decoder of bytes that come from outside, with valid input to damage. */
export async function targets(): Promise<readonly Target[]> {
  return [
    ...responseTargets(),
    ...membershipTargets(),
    ...batchTargets(),
    ...(await avroTargets()),
    ...(await ingestTargets()),
    ...ownTopicTargets(),
  ]
}
