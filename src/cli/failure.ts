import { EXIT } from './exitCodes.ts'
import type { ExitCode } from './exitCodes.ts'

/** Codes of errors after which trying again changes nothing, and of those after which it may. */
const WRONG = new Set([
  'CONFIG_INVALID',
  'CERTIFICATE_UNUSABLE',
  'STATE_LOCKED',
  'STATE_DIRECTORY_UNUSABLE',
  'ADMIN_ADDRESS_UNUSABLE',
  'INSECURE_URL',
  'schema_missing',
  'schema_different',
  'schema_incompatible',
  'KAFKA_AUTHENTICATION_FAILED',
  'OAUTH_TOKEN_REFUSED',
  'TOPIC_MISSING',
  'PARTITIONS_MISMATCH',
  'CHANGELOG_NOT_COMPACTED',
  'MEMORY_EXPOSED',
  'KAFKA_TOPIC_AUTHORIZATION_FAILED',
  'KAFKA_GROUP_AUTHORIZATION_FAILED',
  'KAFKA_CLUSTER_AUTHORIZATION_FAILED',
  'KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'KAFKA_INVALID_REPLICATION_FACTOR',
  'KAFKA_INVALID_CONFIG',
  'KAFKA_POLICY_VIOLATION',
  'KAFKA_UNSUPPORTED_BROKER',
])
const UNREACHABLE = new Set([
  'GAVE_UP',
  'ORDER_UNANSWERED',
  'STORY_UNFINISHED',
  'registry_unavailable',
  'directory_unavailable',
  'OAUTH_TOKEN_UNAVAILABLE',
  'KAFKA_CONNECTION_LOST',
  'KAFKA_REQUEST_TIMED_OUT',
])

/** The stable code of an error of onfile's, null for others. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}

/** The exit code that an error means. */
export function exitCodeOfError(error: unknown): ExitCode {
  const code = codeOf(error)
  if (code === 'USAGE') return EXIT.usage
  if (code !== null && WRONG.has(code)) return EXIT.wrong
  return code !== null && UNREACHABLE.has(code) ? EXIT.unreachable : EXIT.failed
}
