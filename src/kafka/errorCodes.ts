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

/** Another node answers soon, or the same one does: leaders and coordinators move, markers are written, members change. */
const PASSING: ReadonlySet<number> = new Set([
  5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 48, 51, 52, 56, 70, 71, 74, 75, 78, 88, 89, 100, 119, 120,
])
/** What a group or a transaction coordinator says to one whose place another has taken: nobody must act. */
const REPLACED: ReadonlySet<number> = new Set([22, 25, 27, 47, 49, 59, 79, 90])

/** How the sentence about an error code goes on: who must act, and what to do. Empty where nobody must. */
export function remedyOf(errorCode: number): string {
  switch (errorCode) {
    case 1:
      return ': records were deleted before they were read; the owner of the topic must look at its retention'
    case 3:
      return ': the topic or partition does not exist there; the operator must create it (onfile topics apply)'
    case 10:
    case 18:
      return ": larger than the topic's max.message.bytes; its owner must raise it"
    case 12:
      return ": longer than the broker's offset.metadata.max.bytes; the owner of the cluster must raise it"
    case 17:
      return ': the broker takes no such topic name; the operator must choose another one'
    case 23:
      return ': consumers of another kind are in this group; the operator must choose an application.id that belongs to onfile alone'
    case 24:
      return ': the broker takes no such group id; the operator must choose another application.id'
    case 32:
      return (
        ": it is further from the broker's clock than message.timestamp.after.max.ms or .before.max.ms allows; the operator " +
        'must set the clock of this host'
      )
    case 36:
      return ': it exists; the operator must choose another name, or use it as it is'
    case 37:
      return ': the operator must choose another number of partitions'
    case 38:
      return ': the operator must set topics.replicationFactor to a number that the cluster has brokers for'
    case 40:
      return ': the operator must correct the setting that the broker names'
    case 44:
      return ": against a policy of the cluster; the operator must change the setting, or the cluster's owner the policy"
    case 82:
      return ': another process uses this instance id; the operator must give each instance its own kafka.groupInstanceId'
    case 30:
      return ': the owner of the cluster must grant this principal the right (ACL): READ on this group'
    case 81:
      return ': group.max.size of the broker is reached; the owner of the cluster must raise it, or run fewer instances'
    case 29:
    case 31:
    case 53:
      return ': the owner of the cluster must grant this principal the right (ACL)'
    case 50:
      return ": the transaction timeout is above the broker's transaction.max.timeout.ms, which its owner must raise"
    case 26:
      return (
        ": kafka.sessionTimeout is outside the broker's group.min.session.timeout.ms and group.max.session.timeout.ms; " +
        'the operator must change it, or the owner of the cluster must widen them'
      )
  }
  if (REPLACED.has(errorCode)) return ''
  if (PASSING.has(errorCode)) return ': while this lasts, the owner of the cluster must look at its brokers'
  if (errorCode in ERROR_NAMES) return ': the owner of the cluster must look at the log of that broker'
  return (
    ': not known to this release; the owner of the cluster must look at the log of that broker, and report it to the ' +
    'developers of onfile'
  )
}
