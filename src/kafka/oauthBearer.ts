/** SASL OAUTHBEARER (RFC 7628) as Kafka speaks it, in the place of kafkajs's, which takes a refusal for success. */

/** One exchange of bytes with the broker; `parse` gets what it answered. */
export type SaslExchange = (step: {
  readonly request: { readonly encode: () => Buffer }
  readonly response: { readonly decode: (bytes: Buffer) => Buffer; readonly parse: (bytes: Buffer) => Buffer }
}) => Promise<Buffer>

const SEPARATOR = '\u0001'
const response = { decode: (bytes: Buffer) => bytes, parse: (bytes: Buffer) => bytes }

/** kafkajs puts the bytes of a step into a field of its own length: an INT32 comes before them. */
const sized = (text: string): Buffer => {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/**
 * Shows the token. A broker that does not take it answers without an error, with a JSON text that says why, and waits for
 * one more byte; then it answers with the error (KIP-255, RFC 7628 3.2.3). Throws that error of kafkajs's.
 */
export async function proveByToken(token: string, exchange: SaslExchange): Promise<void> {
  const challenge = await exchange({
    request: { encode: () => sized(`n,,${SEPARATOR}auth=Bearer ${token}${SEPARATOR}${SEPARATOR}`) },
    response,
  })
  if (challenge.length > 4) await exchange({ request: { encode: () => sized(SEPARATOR) }, response })
}
