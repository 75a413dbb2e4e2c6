import type { Reader } from './wire.ts'

/** One of the protocol's requests, with the range of versions that this software speaks. */
export interface Api {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** First version with compact types and tagged fields (request header v2, response header v1). */
  readonly flexibleFrom: number
}

/** A request ready to be sent in whatever version the broker and we have in common. */
export interface Request<T> {
  readonly api: Api
  /** Narrows the range of the api: the transaction protocol is chosen by request versions. */
  readonly minVersion?: number
  readonly maxVersion?: number
  /** Instead of the connection's request timeout: longer where the broker may rightly wait, shorter where we may not. */
  readonly timeoutMs?: number
  /**
   * Not written to the socket later than this (`performance.now()`): a connection that must be opened or authenticated
   * first may take a minute. ConnectionLostError where it has passed.
   */
  readonly writeByMs?: number
  /** The body after the request header, in parts that go to the socket without a copy. */
  encode(version: number): readonly Buffer[]
  /** Of the body after the response header. Error codes are returned, not thrown: the caller knows what they mean. */
  decode(reader: Reader, version: number): T
}

/** What a broker says it speaks, by api key. */
export type ApiRanges = ReadonlyMap<number, { readonly min: number; readonly max: number }>
