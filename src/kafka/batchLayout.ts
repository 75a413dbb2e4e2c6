/**
 * Byte positions in a record batch of magic 2 (Kafka 0.11 and later), from its first byte. Source: "Record batch" in the
 * Kafka protocol documentation.
 */
export const BASE_OFFSET = 0
export const BATCH_LENGTH = 8
export const PARTITION_LEADER_EPOCH = 12
export const MAGIC = 16
export const CRC = 17
export const ATTRIBUTES = 21
export const LAST_OFFSET_DELTA = 23
export const BASE_TIMESTAMP = 27
export const MAX_TIMESTAMP = 35
export const PRODUCER_ID = 43
export const PRODUCER_EPOCH = 51
export const BASE_SEQUENCE = 53
export const RECORD_COUNT = 57
/** Where the records (or their compressed form) begin. */
export const RECORDS = 61

/** Base offset and length themselves are not counted by the length field. */
export const LENGTH_OVERHEAD = 12

/** Of the attributes, as the bits below. */
export const CODEC_BITS = 7
export const LOG_APPEND_TIME_BIT = 8
export const TRANSACTIONAL_BIT = 16
export const CONTROL_BIT = 32
