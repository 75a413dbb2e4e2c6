import { describe, expect, test } from 'vitest'
import { exitCodeOfError } from '../../../src/cli/failure.ts'
import { CertificateError, liveTls } from '../../../src/cli/liveTls.ts'
import type { Pems } from '../../../src/cli/liveTls.ts'
import { selfSigned } from '../../support/selfSigned.ts'

const [own, other] = [selfSigned('onfile'), selfSigned('other')]
const noFiles = { files: new Map<string, string>() }
const NOT_PEM = '-----BEGIN CERTIFICATE-----\nnope\n-----END CERTIFICATE-----\n'

describe('certificates at a start', () => {
  test('are taken where they fit', () => {
    const pems = { ca: other.cert, cert: own.cert, key: own.key }
    expect(liveTls(noFiles, 'kafka.ssl', pems)()).toEqual(pems)
    expect(liveTls(noFiles, 'kafka.ssl', { ca: null, cert: null, key: null })()).toEqual({})
  })

  test.each<[string, Pems, RegExp]>([
    [
      'the key of another',
      { ca: null, cert: own.cert, key: other.key },
      /^vault\.ssl\.cert and vault\.ssl\.key cannot/,
    ],
    ['no certificate', { ca: null, cert: NOT_PEM, key: own.key }, /^vault\.ssl\.cert and vault\.ssl\.key cannot/],
    [
      'no authority',
      { ca: NOT_PEM, cert: null, key: null },
      /^vault\.ssl\.ca cannot be used .* whoever deploys onfile must/,
    ],
  ])('that are %s are an error that names the settings: exit 78', (_what, pems, message) => {
    const start = () => liveTls(noFiles, 'vault.ssl', pems)
    expect(start).toThrow(CertificateError)
    expect(start).toThrow(message)
    expect(start).not.toThrow(/\n|BEGIN/)
    expect(exitCodeOfError(new CertificateError('x', null))).toBe(78)
  })
})
