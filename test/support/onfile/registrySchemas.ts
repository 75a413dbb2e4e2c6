/** Registers a schema of any type with a Confluent-compatible registry, as an issuer's producer does. Resolves with its id. */
export async function registerSchema(
  registryUrl: string,
  subject: string,
  schemaType: 'AVRO' | 'JSON' | 'PROTOBUF',
  schema: string,
): Promise<number> {
  const answer = await fetch(`${registryUrl}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schemaType, schema }),
  })
  if (!answer.ok) throw new Error(`${subject} was not registered: ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { id: number }).id
}
