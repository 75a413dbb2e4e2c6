import type { Api, ApiRanges, Request } from '../request.ts'
import type { Reader } from '../wire.ts'
import { Writer } from '../wire.ts'

export const API_VERSIONS: Api = { key: 18, name: 'ApiVersions', minVersion: 3, maxVersion: 3, flexibleFrom: 3 }

const FINALIZED_FEATURES_TAG = 2

export interface BrokerVersions {
  readonly errorCode: number
  readonly ranges: ApiRanges
  /** Finalized `transaction.version` of the cluster; 0 where the broker does not know the feature. 2 = KIP-890. */
  readonly transactionVersion: number
}

/** What the broker speaks. The one request whose response header has no tagged fields. */
export function apiVersions(clientName: string, clientVersion: string): Request<BrokerVersions> {
  return {
    api: API_VERSIONS,
    encode: () => [new Writer(64).compactString(clientName).compactString(clientVersion).emptyTags().finish()],
    decode,
  }
}

function decode(reader: Reader): BrokerVersions {
  const errorCode = reader.int16()
  const ranges = new Map<number, { min: number; max: number }>()
  // A broker that does not know version 3 answers in version 0, with this error and nothing that we can read on.
  if (errorCode !== 0) return { errorCode, ranges, transactionVersion: 0 }
  reader.compactArray(() => {
    ranges.set(reader.int16(), { min: reader.int16(), max: reader.int16() })
    reader.tags()
  })
  reader.int32()
  let transactionVersion = 0
  reader.tags((tag, field) => {
    if (tag !== FINALIZED_FEATURES_TAG) return
    field.compactArray(() => {
      const name = field.compactString()
      const max = field.int16()
      field.int16()
      field.tags()
      if (name === 'transaction.version') transactionVersion = max
    })
  })
  return { errorCode, ranges, transactionVersion }
}
