import { errorName, remedyOf } from './errorCodes.ts'

/** The broker answered a request with an error code. `code` is stable: `KAFKA_` and the protocol's name. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
  readonly code: string
  readonly errorCode: number
  /** Name of the request: `Produce`, `EndTxn`, ... */
  readonly api: string

  /** `subject` says to what it happened: a topic-partition, a group, a transactional id. */
  constructor(api: string, errorCode: number, subject = '', detail: string | null = null) {
    const what = errorName(errorCode)
    const of = subject === '' ? '' : ` for ${subject}`
    super(
      `${api}${of} was answered ${what}${remedyOf(errorCode)}${detail === null || detail === '' ? '' : ` (${detail})`}`,
    )
    this.code = `KAFKA_${what}`
    this.errorCode = errorCode
    this.api = api
  }
}

/** The connection could not be made, or ended while a request was under way: whether the broker acted is unknown. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError'
  readonly code = 'KAFKA_CONNECTION_LOST'
  /** `host:port` of the broker. */
  readonly broker: string

  constructor(broker: string, what: string, cause?: unknown) {
    super(`Kafka broker ${broker}: ${what}`, cause === undefined ? undefined : { cause })
    this.broker = broker
  }
}

/** No answer in time. The connection is closed with it, so a late answer cannot be taken for another one. */
export class RequestTimedOutError extends Error {
  override readonly name = 'RequestTimedOutError'
  readonly code = 'KAFKA_REQUEST_TIMED_OUT'
  readonly broker: string
  readonly api: string

  constructor(broker: string, api: string, timeoutMs: number) {
    const first = api === 'ApiVersions' ? '; is it a Kafka broker? Check kafka.brokers and kafka.ssl.enabled' : ''
    super(`Kafka broker ${broker} did not answer ${api} within ${timeoutMs} ms${first}`)
    this.broker = broker
    this.api = api
  }
}

/** Bytes that do not follow the protocol: a short or lying response, a decompression bomb. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
  readonly code: string = 'KAFKA_PROTOCOL'

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
  }
}

/**
 * A record batch of a partition is damaged: a wrong checksum, an impossible offset, records that do not fit into it.
 * Nothing from `offset` on is handed out. `source` is topic and partition, `what` how the sentence goes on.
 */
export class CorruptBatchError extends ProtocolError {
  override readonly name = 'CorruptBatchError'
  override readonly code = 'KAFKA_CORRUPT_BATCH'
  /** First offset of the batch, as it says itself. */
  readonly offset: number

  constructor(source: string, offset: number, what: string, cause?: unknown) {
    super(
      `${source}: the record batch at offset ${offset} ${what}. It is read again and never skipped. Who runs the Kafka ` +
        'cluster must look at this partition on its leader (kafka-dump-log) and bring it back from a replica; if the ' +
        'records are lost for good, the owner of the topic decides where reading goes on.',
      cause,
    )
    this.offset = offset
  }
}

/** The broker is too old (or too new) for what this software needs of it. */
export class UnsupportedBrokerError extends Error {
  override readonly name = 'UnsupportedBrokerError'
  readonly code = 'KAFKA_UNSUPPORTED_BROKER'
}

/** TLS or SASL refused this client: whoever gave the credentials must act. */
export class AuthenticationFailedError extends Error {
  override readonly name = 'AuthenticationFailedError'
  readonly code = 'KAFKA_AUTHENTICATION_FAILED'

  /** `settings` names what was shown to the broker. */
  constructor(broker: string, cause: unknown, settings = 'kafka.sasl and kafka.ssl') {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(
      `Kafka broker ${broker} refused the authentication: check ${settings} with the owner of the cluster (${why})`,
      { cause },
    )
  }
}

/** The kafkajs that is installed is not the one whose inner parts this layer was checked against. */
export class ClientVersionError extends Error {
  override readonly name = 'ClientVersionError'
  readonly code = 'KAFKA_CLIENT_VERSION'
}

/**
 * InitProducerId with the own producer id and epoch was refused: somebody else initialised this transactional id, so
 * what this process holds in memory may be stale. Give the partition up and open it from scratch if it is still assigned.
 */
export class FencedError extends Error {
  override readonly name = 'FencedError'
  readonly code = 'KAFKA_FENCED'

  constructor(transactionalId: string, cause: KafkaError) {
    super(`Transactional id ${transactionalId} was taken over by another instance (${cause.code})`, { cause })
  }
}

export type TransactionStep = 'produce' | 'commit-offset' | 'end-transaction'

/**
 * A transaction failed at `step` in a way that leaves open whether it committed. `cause` is the broker's or the network's
 * error. The caller reconciles: prove continuity, then read the committed offset.
 */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError'
  readonly code = 'KAFKA_OUTCOME_UNKNOWN'
  readonly step: TransactionStep

  constructor(transactionalId: string, step: TransactionStep, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`Transaction of ${transactionalId} in doubt after ${step}: ${why}`, { cause })
    this.step = step
  }
}

/** A producer was used out of order (commit before takeOver, or while a commit is in doubt): a defect of the caller. */
export class ProducerStateError extends Error {
  override readonly name = 'ProducerStateError'
  readonly code = 'KAFKA_PRODUCER_STATE'
}

/** Something waited for the group's confirmation, but this member has stopped or was fenced: none will come. */
export class MemberStoppedError extends Error {
  override readonly name = 'MemberStoppedError'
  readonly code = 'KAFKA_MEMBER_STOPPED'

  constructor(groupId: string) {
    super(`This process is no member of group ${groupId} any more`)
  }
}

/** The group begins anew again and again before this member has its assignment. `rounds` in a row. */
export class RoundsWithoutEndError extends Error {
  override readonly name = 'RoundsWithoutEndError'
  readonly code = 'KAFKA_ROUNDS_WITHOUT_END'

  constructor(groupId: string, rounds: number, cause: Error) {
    super(
      `Group ${groupId} has begun anew ${rounds} times before this process was in (${cause.message}): another member comes ` +
        'and goes, or is too slow for kafka.sessionTimeout; its log says why',
      { cause },
    )
  }
}
