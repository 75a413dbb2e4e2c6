import { Writable } from 'node:stream'
import { describe, expect, it, test } from 'vitest'
import { createLog, scrubLine } from '../../../src/telemetry/log.ts'
import type { LogOptions } from '../../../src/telemetry/log.ts'

function capture(options: Partial<LogOptions> = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const log = createLog({ level: 'trace', destination, ...options })
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> }
}

class VaultBrokenError extends Error {
  override readonly name = 'VaultBrokenError'
  readonly code = 'VAULT_BROKEN'
  readonly card = { number: '4242424242424242' }
}

describe('a log line', () => {
  test('is one line of JSON with time, level name, message and the fields given', () => {
    const { log, lines, last } = capture()
    log.child({ role: 'decide' }).info({ topic: 't', partition: 3, durationMs: 5 }, 'went on')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^\{.*\}\n$/)
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      role: 'decide',
      topic: 't',
      partition: 3,
      durationMs: 5,
      msg: 'went on',
    })
  })

  test('keeps of an error its class, code, message, stack and causes, and none of its own fields', () => {
    const { log, lines, last } = capture()
    const error = new VaultBrokenError('it broke', { cause: new TypeError('inner') })
    log.error({ err: error }, 'failed')
    expect(last().err).toEqual({
      class: 'VaultBrokenError',
      code: 'VAULT_BROKEN',
      message: 'it broke',
      stack: expect.stringContaining('log.test.ts') as string,
      cause: {
        class: 'TypeError',
        code: null,
        message: 'inner',
        stack: expect.any(String) as string,
      },
    })
    log.error(error)
    expect(lines.join('')).not.toContain('4242')
  })

  test('ends a chain of causes that goes round', () => {
    const { log, last } = capture()
    const error = new Error('a')
    error.cause = error
    log.error({ err: error }, 'round')
    expect(last().msg).toBe('round')
  })

  it.each<[string, (log: ReturnType<typeof createLog>) => void]>([
    ['in the message', log => log.info('card 4242424242424242')],
    ['in a format argument', log => log.info('card %s', '4242424242424242')],
    ['in a field', log => log.info({ a: { b: ['4242 4242 4242 4242', '4242424242424242'] } }, 'x')],
    ['as a number', log => log.info({ n: 4242424242424242 }, 'x')],
    ['in a binding of a child', log => log.child({ card: '4242424242424242' }).info('x')],
    [
      'in an error and its cause',
      log => log.error(new Error('4242424242424242', { cause: new Error('4242424242424242') })),
    ],
    ['in an object with toJSON', log => log.info({ o: { toJSON: () => '4242424242424242' } }, 'x')],
    ['after a control character', log => log.info('\u0010' + '4242424242424242\n4242424242424242')],
  ])('holds no card number %s', (_where, write) => {
    const { log, lines, last } = capture()
    write(log)
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toMatch(/4242 ?4242/)
    expect(lines[0]).toContain('[card number]')
    expect(last().level).toBeDefined()
  })

  test('holds no token and no credentials', () => {
    const { log, lines } = capture()
    log.info(
      { headers: { authorization: 'Basic YWJjOmRlZg==' }, jwe: 'eyJhbGciOiJSU0EifQ.canary.x' },
      'Bearer canary-token',
    )
    expect(lines[0]).not.toMatch(/YWJj|canary/)
  })

  test('below the level is not written', () => {
    const { log, lines } = capture({ level: 'warn' })
    log.info('no')
    expect(lines).toEqual([])
  })
})

describe('the log for people', () => {
  test('is no JSON, and as clean', async () => {
    let text = ''
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString()
        done()
      },
    })
    createLog({ level: 'info', pretty: true, destination }).info({ role: 'ingest' }, 'card 4242424242424242 is here')
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(text).toContain('card [card number] is here')
    expect(text).toContain('INFO')
    expect(text).not.toMatch(/^\{/)
  })
})

describe('scrubLine', () => {
  test('leaves a clean line as the same text', () => {
    const line = '{"level":"info","offset":17}\n'
    expect(scrubLine(line)).toBe(line)
  })
})
