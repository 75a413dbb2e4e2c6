import { inspect } from 'node:util'

const REDACTED = '[redacted]'

/** Whatever turns it into text (JSON, `inspect`, a template string, a log line, an error's context) gets `[redacted]`. */
export class Redacted {
  toJSON(): string {
    return REDACTED
  }

  toString(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}
