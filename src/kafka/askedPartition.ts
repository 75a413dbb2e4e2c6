import { ProtocolError } from './errors.ts'

/** A part of an answer, about one partition. */
export interface OfPartition {
  readonly topic: string
  readonly partition: number
}

/**
 * What an answer says of a partition that was asked about. An answer that says nothing of it is no answer, least of all
 * one that all is well: ProtocolError, which callers take like an answer that was lost.
 */
export function saidOf<T extends OfPartition>(api: string, said: readonly T[], topic: string, partition: number): T {
  const found = said.find(part => part.topic === topic && part.partition === partition)
  if (found === undefined) throw new ProtocolError(`an answer to ${api} does not name ${topic}-${partition}`)
  return found
}
