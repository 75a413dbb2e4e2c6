/** How a user is found (contract.md 1). `key` only where the issuer keys its records by user. */
export type UserSource = 'header' | 'field' | 'directory' | 'key'

export interface IngestSettings {
  /** `ingest.cardRef`: which field is the card's reference. */
  readonly cardRef: 'id' | 'token'
  /** `ingest.userFrom`, in order. */
  readonly userFrom: readonly UserSource[]
  /** `ingest.futureSkew`. */
  readonly futureSkewMs: number
  /** `ingest.idPattern`: ids that match as a whole are not searched for card numbers; null for none. */
  readonly idPattern: string | null
  /** Key of the hash that stands for a webhook's identity; the same on every instance and over restarts. */
  readonly dedupeSecret: string | Buffer
  /** Longest value that is read. Default 1 MiB. */
  readonly maxValueBytes?: number
  /** `max.message.bytes` of the dead-letter topic. Default 1,048,588, Kafka's own. */
  readonly deadLetterMaxBytes?: number
  /** Release of this software, for dead letters. */
  readonly appVersion: string
}

export interface IngestTopics {
  readonly cardLifecycle: string
  readonly knotEvents: string
  readonly retry: string
  readonly userEvents: string
  readonly deadLetters: string
  /** What Knot says of merchants goes there, as a hint for all processes of PROVISION. */
  readonly control: string
}

/** What INGEST counts. Label values are bounded: topics are configured, kinds and reasons are listed in code. */
export interface IngestMetrics {
  /** A record went on to `onfile-user-events`. */
  forwarded(topic: string, kind: 'lifecycle' | 'knot'): void
  /** A Knot event that concerns no card or no user; `kind` is one of Knot's documented names, or `other`. */
  ignored(topic: string, kind: string): void
  deadLettered(topic: string, reason: string): void
}

/** The card directory as INGEST uses it: `CardDirectory` in `src/vault`. */
export interface OwnerDirectory {
  owner(cardRef: string): string | null | undefined
  resolve(cardRefs: Iterable<string>, signal?: AbortSignal): Promise<void>
}
