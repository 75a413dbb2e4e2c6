import type { Api, Request } from '../request.ts'
import { Writer } from '../wire.ts'

const FIND_COORDINATOR: Api = { key: 10, name: 'FindCoordinator', minVersion: 2, maxVersion: 2, flexibleFrom: 3 }

export type CoordinatorKind = 'group' | 'transaction'

export interface FoundCoordinator {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** Which node coordinates a group, or a transactional id. */
export function findCoordinator(kind: CoordinatorKind, key: string): Request<FoundCoordinator> {
  return {
    api: FIND_COORDINATOR,
    encode: () => [
      new Writer()
        .string(key)
        .int8(kind === 'group' ? 0 : 1)
        .finish(),
    ],
    decode: reader => {
      reader.int32()
      return {
        errorCode: reader.int16(),
        errorMessage: reader.nullableString(),
        nodeId: reader.int32(),
        host: reader.string(),
        port: reader.int32(),
      }
    },
  }
}
