import { describe, expect, it } from 'vitest'
import {
  IncompatibleSchemaError,
  RegistryUnavailableError,
  SchemaNotRegisteredError,
} from '../../../src/avro/errors.ts'
import { GaveUpError } from '../../../src/cli/deadline.ts'
import { exitCodeOfError } from '../../../src/cli/failure.ts'
import { OauthTokenError } from '../../../src/cli/oauthTokens.ts'
import { StateDirectoryError, StateLockedError } from '../../../src/cli/stateLock.ts'
import { ChangelogNotCompactedError } from '../../../src/cli/run/startTopics.ts'
import { ConfigError } from '../../../src/config/errors.ts'
import { partitionMismatchError } from '../../../src/engine/errors.ts'
import {
  AuthenticationFailedError,
  ConnectionLostError,
  KafkaError,
  RequestTimedOutError,
  UnsupportedBrokerError,
} from '../../../src/kafka/errors.ts'
import { InsecureUrlError } from '../../../src/knot/knotApi.ts'
import { AdminAddressError } from '../../../src/server/adminServer.ts'
import { DirectoryUnavailableError } from '../../../src/vault/directory.ts'

describe('the exit code of an error', () => {
  it.each<[Error | string, number]>([
    [new ConfigError(['x']), 78],
    [new StateLockedError('d', 1), 78],
    [new StateDirectoryError('d', 'x'), 78],
    [new AdminAddressError('h', 1, 'x'), 78],
    [new SchemaNotRegisteredError('s', 'missing'), 78],
    [new SchemaNotRegisteredError('s', 'different'), 78],
    [new IncompatibleSchemaError('s', []), 78],
    [new InsecureUrlError('knot.url', 'h'), 78],
    [new AuthenticationFailedError('b', 'x'), 78],
    [new UnsupportedBrokerError('x'), 78],
    [new KafkaError('CreateTopics', 38), 78],
    [new KafkaError('CreateTopics', 31), 78],
    [new KafkaError('CreateTopics', 44), 78],
    [new KafkaError('Metadata', 29), 78],
    [new KafkaError('OffsetFetch', 30), 78],
    [new KafkaError('InitProducerId', 53), 78],
    [partitionMismatchError('a', 2, 'b', 3), 78],
    [new ChangelogNotCompactedError('t', 'delete'), 78],
    [new KafkaError('Metadata', -1), 1],
    [new GaveUpError('x', 1), 69],
    [new RegistryUnavailableError('u', 'x'), 69],
    [new DirectoryUnavailableError('u', 'x', 1), 69],
    [new OauthTokenError('u', 'x'), 69],
    [new ConnectionLostError('b', 'x'), 69],
    [new RequestTimedOutError('b', 'Metadata', 1), 69],
    [new TypeError('x'), 1],
    ['text', 1],
  ])('%s is %d', (error, code) => {
    expect(exitCodeOfError(error)).toBe(code)
  })
})
