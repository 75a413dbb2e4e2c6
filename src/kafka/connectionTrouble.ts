import { AuthenticationFailedError, ConnectionLostError } from './errors.ts'

/** What a socket or a handshake says when something is wrong, as the settings that an operator can look at. */

/** TLS alerts with which a broker turns down the certificate that it was shown, or that it was shown none. */
const OUR_CERTIFICATE_REFUSED =
  /ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|NO_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED)/
/** Node's codes where nobody that we trust vouches for the broker's certificate. */
const THEIR_CERTIFICATE_UNKNOWN =
  /^(UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE)/
const THEIR_CERTIFICATE_TIME = /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/
const NOT_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|INVALID_PACKET/
const UNKNOWN_HOST = /^(ENOTFOUND|EAI_AGAIN)$/
const NOBODY_THERE = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/

/**
 * The error for a connection that could not be made or that broke: AuthenticationFailedError where the broker turned our
 * certificate down, else ConnectionLostError whose text names what to look at. `what` says what failed.
 */
export function connectionTrouble(
  broker: string,
  error: unknown,
  what: string,
): ConnectionLostError | AuthenticationFailedError {
  const why = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (OUR_CERTIFICATE_REFUSED.test(code)) {
    return new AuthenticationFailedError(broker, error, 'kafka.ssl.cert and kafka.ssl.key')
  }
  return new ConnectionLostError(broker, `${what}: ${why}${hintFor(code)}`, error)
}

function hintFor(code: string): string {
  if (THEIR_CERTIFICATE_UNKNOWN.test(code)) return '; kafka.ssl.ca must hold the authority of its certificate'
  if (THEIR_CERTIFICATE_TIME.test(code)) return '; the owner of the cluster must renew its certificate'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return '; kafka.brokers must call it as its certificate does, or its owner must add the name'
  }
  if (NOT_TLS.test(code))
    return '; its listener does not speak TLS: check kafka.ssl.enabled and the port in kafka.brokers'
  if (UNKNOWN_HOST.test(code)) return '; no such host: check kafka.brokers'
  if (NOBODY_THERE.test(code)) return '; nobody answers there: check kafka.brokers and whether the cluster is up'
  return ''
}
