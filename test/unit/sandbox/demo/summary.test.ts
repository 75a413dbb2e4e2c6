import { describe, expect, test } from 'vitest'
import { CleanUp } from '../../../../sandbox/demo/cleanUp.ts'
import { reconcile } from '../../../../sandbox/demo/reconcile.ts'
import { demoTopics, productSettings } from '../../../../sandbox/demo/settings.ts'
import { allProblems, summaryLines } from '../../../../sandbox/demo/summary.ts'
import type { LeakReport } from '../../../../sandbox/demo/summary.ts'
import { LINE_WIDTH, plainPaint } from '../../../../sandbox/demo/terminal.ts'
import { loadConfig } from '../../../../src/config/load.ts'
import { goodRun, goodWitnesses } from './records.ts'

const clean: LeakReport = { leaks: [], topics: 12, sizeBytes: 1_234_567, problems: [] }
const told = { told: 20, problems: [] }

describe('the summary', () => {
  test('of a good run says that everything adds up', () => {
    const lines = summaryLines(reconcile(goodRun(), goodWitnesses), clean, told, plainPaint)
    expect(lines.join('\n')).toContain('4 = 2 explained by an outcome + 1 dead-lettered + 1 ignored')
    expect(lines.at(-1)).toBe('Everything adds up.')
    expect(lines.join('\n')).not.toContain('✗')
  })

  test('names each thing that does not, within the width', () => {
    const leaks = [{ place: 'topic onfile-dlq', name: 'card number …4242', count: 2 }]
    const reconciliation = reconcile({ ...goodRun(), outcomes: [] }, goodWitnesses)
    const surprises = { told: 20, problems: ['u-1: UPDATED/updated did not come.'] }
    const lines = summaryLines(reconciliation, { ...clean, leaks }, surprises, plainPaint)
    const text = lines.join('\n')
    expect(text).toContain('✗ PAN leaks')
    expect(text).toContain('card number …4242 found 2 times in topic onfile-dlq')
    expect(text).toContain('card-lifecycle-0@0 has no outcome and no dead letter')
    expect(text).toContain('u-1: UPDATED/updated did not come.')
    expect(allProblems(reconciliation, { ...clean, leaks }, surprises).length).toBeGreaterThan(3)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(LINE_WIDTH)
  })
})

test("the demo's settings are a valid configuration by environment alone, with every topic name", () => {
  const bed = {
    brokers: '127.0.0.1:1',
    registryUrl: 'http://127.0.0.1:2',
    how: 'jvm' as const,
    stop: () => Promise.resolve(),
  }
  const knot = { url: 'http://127.0.0.1:3', secureUrl: 'http://127.0.0.1:4', clientId: 'id', secret: 'secret' }
  const vault = { url: 'http://127.0.0.1:5', token: 'token' }
  const topics = demoTopics('demo-')
  const environment = productSettings(bed, topics, 'demo-', knot, vault)
  const config = loadConfig({ file: undefined, environment, flags: new Map() }, 'run')
  expect(config.topics).toMatchObject(topics)
  expect(config.policy.resultHard).toBeGreaterThan(config.policy.resultSoft)
})

test('without a prefix the topics have their default names', () => {
  const { topics } = loadConfig({ file: undefined, environment: {}, flags: new Map() }, 'print')
  expect(topics).toMatchObject(demoTopics(''))
})

describe('cleaning up', () => {
  test('goes backwards, once, and past a step that fails', async () => {
    const log: string[] = []
    const cleanUp = new CleanUp(message => void log.push(message))
    for (const name of ['first', 'second', 'third']) {
      cleanUp.add(() => {
        log.push(name)
        return name === 'second' ? Promise.reject(new Error('second failed')) : Promise.resolve()
      })
    }
    await Promise.all([cleanUp.run(), cleanUp.run()])
    expect(log).toEqual(['third', 'second', 'second failed', 'first'])
  })
})
