/**
 * Schemas as issuers may register them for the two feeds: what is read, and beside it what must be skipped: lists, maps,
 * fixed bytes, numbers, a record that holds itself.
 */

const extras = [
  { name: 'tags', type: { type: 'array', items: 'string' } },
  { name: 'attributes', type: { type: 'map', values: ['null', 'bytes'] } },
  { name: 'checksum', type: { type: 'fixed', name: 'Checksum', size: 4 } },
  { name: 'ratio', type: 'double' },
  { name: 'lists', type: { type: 'array', items: { type: 'array', items: 'int' } } },
]

export const LIFECYCLE_SCHEMA = {
  type: 'record',
  name: 'AccountUpdate',
  namespace: 'com.issuer',
  fields: [
    { name: 'event', type: 'string' },
    ...extras,
    { name: 'event_uid', type: ['null', 'string'] },
    { name: 'user_id', type: ['null', 'string'] },
    {
      name: 'data',
      type: {
        type: 'record',
        name: 'Data',
        fields: [
          { name: 'token', type: ['null', 'string'] },
          { name: 'id', type: ['null', 'string'] },
          { name: 'type', type: { type: 'enum', name: 'Kind', symbols: ['updated', 'expired', 'opt_out'] } },
          { name: 'status', type: ['null', 'string'] },
          { name: 'updated_at', type: { type: 'long', logicalType: 'timestamp-micros' } },
          {
            name: 'previous',
            type: [
              'null',
              { type: 'record', name: 'Previous', fields: [{ name: 'before', type: ['null', 'Previous'] }] },
            ],
          },
        ],
      },
    },
  ],
}

export const KNOT_SCHEMA = {
  type: 'record',
  name: 'Webhook',
  namespace: 'com.issuer',
  fields: [
    { name: 'event', type: 'string' },
    { name: 'session_id', type: ['null', 'string'] },
    { name: 'task_id', type: 'long' },
    { name: 'external_user_id', type: 'string' },
    ...extras,
    {
      name: 'merchant',
      type: {
        type: 'record',
        name: 'Merchant',
        fields: [
          { name: 'id', type: 'int' },
          { name: 'name', type: ['null', 'string'] },
        ],
      },
    },
    {
      name: 'data',
      type: [
        'null',
        {
          type: 'record',
          name: 'WebhookData',
          fields: [
            { name: 'card_id', type: ['null', 'string'] },
            { name: 'reason', type: ['null', 'string'] },
            { name: 'send_card', type: ['null', 'boolean'] },
          ],
        },
      ],
    },
    { name: 'timestamp', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
}
