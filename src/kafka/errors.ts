/**
 * Names of the broker's error codes, as the Kafka protocol guide lists them. A code that is not here is shown by number.
 */
const ERROR_NAMES: Readonly<Record<number, string>> = {
  [-1]: 'UNKNOWN_SERVER_ERROR',
  0: 'NONE',
  1: 'OFFSET_OUT_OF_RANGE',
  2: 'CORRUPT_MESSAGE',
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  4: 'INVALID_FETCH_SIZE',
  5: 'LEADER_NOT_AVAILABLE',
  6: 'NOT_LEADER_OR_FOLLOWER',
  7: 'REQUEST_TIMED_OUT',
  8: 'BROKER_NOT_AVAILABLE',
  9: 'REPLICA_NOT_AVAILABLE',
  10: 'MESSAGE_TOO_LARGE',
  11: 'STALE_CONTROLLER_EPOCH',
  12: 'OFFSET_METADATA_TOO_LARGE',
  13: 'NETWORK_EXCEPTION',
  14: 'COORDINATOR_LOAD_IN_PROGRESS',
  15: 'COORDINATOR_NOT_AVAILABLE',
  16: 'NOT_COORDINATOR',
  17: 'INVALID_TOPIC_EXCEPTION',
  18: 'RECORD_LIST_TOO_LARGE',
  19: 'NOT_ENOUGH_REPLICAS',
  20: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  21: 'INVALID_REQUIRED_ACKS',
  22: 'ILLEGAL_GENERATION',
  23: 'INCONSISTENT_GROUP_PROTOCOL',
  24: 'INVALID_GROUP_ID',
  25: 'UNKNOWN_MEMBER_ID',
  26: 'INVALID_SESSION_TIMEOUT',
  27: 'REBALANCE_IN_PROGRESS',
  28: 'INVALID_COMMIT_OFFSET_SIZE',
  29: 'TOPIC_AUTHORIZATION_FAILED',
  30: 'GROUP_AUTHORIZATION_FAILED',
  31: 'CLUSTER_AUTHORIZATION_FAILED',
  32: 'INVALID_TIMESTAMP',
  33: 'UNSUPPORTED_SASL_MECHANISM',
  34: 'ILLEGAL_SASL_STATE',
  35: 'UNSUPPORTED_VERSION',
  36: 'TOPIC_ALREADY_EXISTS',
  37: 'INVALID_PARTITIONS',
  38: 'INVALID_REPLICATION_FACTOR',
  39: 'INVALID_REPLICA_ASSIGNMENT',
  40: 'INVALID_CONFIG',
  41: 'NOT_CONTROLLER',
  42: 'INVALID_REQUEST',
  43: 'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  44: 'POLICY_VIOLATION',
  45: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
  46: 'DUPLICATE_SEQUENCE_NUMBER',
  47: 'INVALID_PRODUCER_EPOCH',
  48: 'INVALID_TXN_STATE',
  49: 'INVALID_PRODUCER_ID_MAPPING',
  50: 'INVALID_TRANSACTION_TIMEOUT',
  51: 'CONCURRENT_TRANSACTIONS',
  52: 'TRANSACTION_COORDINATOR_FENCED',
  53: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  54: 'SECURITY_DISABLED',
  55: 'OPERATION_NOT_ATTEMPTED',
  56: 'KAFKA_STORAGE_ERROR',
  57: 'LOG_DIR_NOT_FOUND',
  58: 'SASL_AUTHENTICATION_FAILED',
  59: 'UNKNOWN_PRODUCER_ID',
  60: 'REASSIGNMENT_IN_PROGRESS',
  69: 'GROUP_ID_NOT_FOUND',
  70: 'FETCH_SESSION_ID_NOT_FOUND',
  71: 'INVALID_FETCH_SESSION_EPOCH',
  72: 'LISTENER_NOT_FOUND',
  73: 'TOPIC_DELETION_DISABLED',
  74: 'FENCED_LEADER_EPOCH',
  75: 'UNKNOWN_LEADER_EPOCH',
  76: 'UNSUPPORTED_COMPRESSION_TYPE',
  77: 'STALE_BROKER_EPOCH',
  78: 'OFFSET_NOT_AVAILABLE',
  79: 'MEMBER_ID_REQUIRED',
  80: 'PREFERRED_LEADER_NOT_AVAILABLE',
  81: 'GROUP_MAX_SIZE_REACHED',
  82: 'FENCED_INSTANCE_ID',
  83: 'ELIGIBLE_LEADERS_NOT_AVAILABLE',
  84: 'ELECTION_NOT_NEEDED',
  85: 'NO_REASSIGNMENT_IN_PROGRESS',
  86: 'GROUP_SUBSCRIBED_TO_TOPIC',
  87: 'INVALID_RECORD',
  88: 'UNSTABLE_OFFSET_COMMIT',
  89: 'THROTTLING_QUOTA_EXCEEDED',
  90: 'PRODUCER_FENCED',
  100: 'UNKNOWN_TOPIC_ID',
  103: 'INCONSISTENT_TOPIC_ID',
  105: 'TRANSACTIONAL_ID_NOT_FOUND',
  119: 'REBOOTSTRAP_REQUIRED',
  120: 'TRANSACTION_ABORTABLE',
}

/** `NOT_COORDINATOR` for 16, `ERROR_<n>` for a code that this table does not know. */
export function errorName(errorCode: number): string {
  return ERROR_NAMES[errorCode] ?? `ERROR_${errorCode}`
}

/** What an operator can do about it, for the codes where somebody must. */
function remedyOf(errorCode: number): string {
  switch (errorCode) {
    case 3:
      return ': the topic or partition does not exist there; create it (onfile topics apply)'
    case 10:
    case 18:
      return ": larger than the topic's max.message.bytes; its owner must raise it"
    case 23:
      return ': consumers of another kind are in this group; application.id must belong to onfile alone'
    case 24:
      return ': the broker takes no such group id; check application.id'
    case 30:
      return ': the owner of the cluster must grant this principal the right (ACL): READ on this group'
    case 81:
      return ': group.max.size of the broker is reached; the owner of the cluster must raise it, or run fewer instances'
    case 29:
    case 31:
    case 53:
      return ': the owner of the cluster must grant this principal the right (ACL)'
    case 50:
      return ": the transaction timeout is above the broker's transaction.max.timeout.ms"
    case 26:
      return (
        ": kafka.sessionTimeout is outside the broker's group.min.session.timeout.ms and group.max.session.timeout.ms; " +
        'change it, or the owner of the cluster must widen them'
      )
    default:
      return ''
  }
}

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
