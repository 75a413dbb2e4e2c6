import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A certificate that signed itself, with its key, both PEM. Good for tls.connect to 127.0.0.1 for a day. */
export interface SelfSigned {
  readonly cert: string
  readonly key: string
  /** SHA-256 of the certificate, as `getPeerCertificate().fingerprint256` writes it. */
  readonly fingerprint256: string
}

/** Just enough of DER (X.690) and X.509 (RFC 5280): no tool must be installed for a certificate. */
const [INTEGER, BITS, OCTETS, OID, UTF8, TIME, SEQUENCE, SET] = [0x02, 0x03, 0x04, 0x06, 0x0c, 0x18, 0x30, 0x31]

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const { length: size } = body
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

const oid = (hex: string): Buffer => der(OID, Buffer.from(hex, 'hex'))
const bits = (bytes: Buffer): Buffer => der(BITS, Buffer.from([0]), bytes)
const time = (ms: number): Buffer => {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)
  return der(TIME, Buffer.from(`${digits}Z`))
}
const critical = Buffer.from([0x01, 0x01, 0xff])

const ECDSA_SHA256 = der(SEQUENCE, oid('2a8648ce3d040302'))
const DAY_MS = 86_400_000

/** Subject and issuer are `name`; it may stand for 127.0.0.1 and may sign, itself included. */
export function selfSigned(name: string): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const who = der(SEQUENCE, der(SET, der(SEQUENCE, oid('550403'), der(UTF8, Buffer.from(name)))))
  const basicConstraints = der(SEQUENCE, oid('551d13'), critical, der(OCTETS, der(SEQUENCE, critical)))
  const address = der(SEQUENCE, der(0x87, Buffer.from([127, 0, 0, 1])))
  const alternativeName = der(SEQUENCE, oid('551d11'), der(OCTETS, address))
  const now = Date.now()
  const body = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([0x01]), randomBytes(8)),
    ECDSA_SHA256,
    who,
    der(SEQUENCE, time(now - DAY_MS), time(now + DAY_MS)),
    who,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, basicConstraints, alternativeName)),
  )
  const bytes = der(SEQUENCE, body, ECDSA_SHA256, bits(sign('sha256', body, privateKey)))
  const lines = bytes.toString('base64').match(/.{1,64}/g)!
  const digest = createHash('sha256').update(bytes).digest('hex').toUpperCase()
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    fingerprint256: digest.match(/../g)!.join(':'),
  }
}
