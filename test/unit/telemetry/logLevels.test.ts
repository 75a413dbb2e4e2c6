import { describe, expect, it } from 'vitest'
import { createLog } from '../../../src/telemetry/log.ts'
import { LogLevels } from '../../../src/telemetry/logLevels.ts'

function levelled() {
  const seen: unknown[] = []
  const levels = new LogLevels('info')
  const destination = { write: (line: string) => void seen.push((JSON.parse(line) as { msg: unknown }).msg) }
  return { levels, seen, log: createLog({ level: 'info', destination, levels }) }
}

describe('the levels of a log', () => {
  it('are one: that of its children and of theirs changes with it, and of those that come later', () => {
    const { levels, seen, log } = levelled()
    const child = log.child({ role: 'decide' })
    const grandchild = child.child({ partition: 1 })
    levels.set('debug')
    const later = log.child({ role: 'ingest' })
    for (const [index, one] of [log, child, grandchild, later].entries()) one.debug(`debug ${index}`)
    levels.set('warn')
    for (const one of [log, child, grandchild, later]) one.info('too quiet')
    child.child({}).info('too quiet')
    expect(seen).toEqual(['debug 0', 'debug 1', 'debug 2', 'debug 3'])
    expect(levels.level).toBe('warn')
  })
})
