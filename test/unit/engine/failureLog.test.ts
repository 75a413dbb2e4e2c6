import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { OwnershipLostError, ProcessorFailedError, TaskError } from '../../../src/engine/errors.ts'
import { FailureLog } from '../../../src/engine/failureLog.ts'

const ONE = { topic: 'in', partition: 1 }
const OTHER = { topic: 'in', partition: 2 }
const defect = () => new ProcessorFailedError('in-1@7', new Error('no such field'))
const refused = () => new TaskError('COMMIT_REFUSED', 'the owner of the cluster must', { retry: 'reopen' })

function failures() {
  const clock = { nowMs: 0 }
  const lines: string[] = []
  const log = pino(
    { formatters: { level: level => ({ level }) } },
    {
      write: line => {
        const { level, code, partition, times } = JSON.parse(line) as Record<string, unknown>
        lines.push([level, code, partition, ...(times === undefined ? [] : [times])].join(' '))
      },
    },
  )
  return { failures: new FailureLog(log, () => clock.nowMs), lines, clock }
}

describe('the cause that ends a task', () => {
  it('is an error once, and a warning at each opening that meets it again', () => {
    const { failures: log, lines, clock } = failures()
    for (let opening = 0; opening < 3; opening++) {
      log.failed(ONE, defect())
      clock.nowMs += 30_000
    }
    log.failed(OTHER, defect())
    expect(lines).toEqual([
      'error PROCESSOR_FAILED 1',
      'warn PROCESSOR_FAILED 1 2',
      'warn PROCESSOR_FAILED 1 3',
      'error PROCESSOR_FAILED 2',
    ])
  })

  it('is another one with another code, and then the first one is news again', () => {
    const { failures: log, lines } = failures()
    for (const error of [defect(), refused(), defect()]) log.failed(ONE, error)
    expect(lines).toEqual(['error PROCESSOR_FAILED 1', 'error COMMIT_REFUSED 1', 'error PROCESSOR_FAILED 1'])
  })

  it('is another one with another text, and the same at another record', () => {
    const { failures: log, lines } = failures()
    const atRecord = (record: string, why: string) => log.failed(ONE, new ProcessorFailedError(record, new Error(why)))
    atRecord('in-1@7', 'no such field')
    atRecord('in-1@19', 'no such field')
    atRecord('in-1@19', 'no such user')
    expect(lines.map(line => line.split(' ')[0])).toEqual(['error', 'warn', 'error'])
  })

  it('is news after ten minutes without it, however long it had lasted, and when the partition has been elsewhere', () => {
    const { failures: log, lines, clock } = failures()
    for (const pauseMs of [0, 9 * 60_000, 9 * 60_000, 10 * 60_000]) {
      clock.nowMs += pauseMs
      log.failed(ONE, defect())
    }
    log.moved(ONE)
    log.failed(ONE, defect())
    expect(lines.map(line => line.split(' ')[0])).toEqual(['error', 'warn', 'warn', 'error', 'error'])
  })

  it('is nothing to wake anybody for where another instance has the partition, and hides none', () => {
    const { failures: log, lines } = failures()
    for (const error of [defect(), new OwnershipLostError('taken over'), defect()]) log.failed(ONE, error)
    expect(lines).toEqual(['error PROCESSOR_FAILED 1', 'info OWNERSHIP_LOST 1', 'warn PROCESSOR_FAILED 1 2'])
  })
})
