import { describe, expect, it } from 'vitest'
import type { SwitchOrder } from '../../../src/processors/control.ts'
import { onfile } from './commandLine.ts'

const KAFKA = { ONFILE_KAFKA_BROKERS: 'broker:9092', USER: 'ada' }

async function given(commandLine: string, environment: NodeJS.ProcessEnv = KAFKA) {
  const orders: SwitchOrder[] = []
  const ended = await onfile(commandLine, environment, {
    writeSwitch: (config, order) => {
      orders.push(order)
      return Promise.resolve({ topic: config.topics.control, partition: 0, offset: 7, event_id: null })
    },
  })
  return { ...ended, orders }
}

describe('onfile pause and resume', () => {
  it('write who ordered it and why, need no registry, and say what follows', async () => {
    const paused = await given('pause --reason drill')
    expect(paused).toMatchObject({ code: 0, orders: [{ pushes: 'paused', actor: 'ada', reason: 'drill' }] })
    expect(paused.out).toContain('15 s')
    expect(paused.out).toContain('onfile-control-0@7, by ada: drill')
    const resumed = await given('resume --reason over --actor bob')
    expect(resumed).toMatchObject({ code: 0, orders: [{ pushes: 'running', actor: 'bob', reason: 'over' }] })
  })

  it.each([
    ['no reason', 'pause', KAFKA],
    ['no actor', 'pause --reason drill', { ONFILE_KAFKA_BROKERS: 'broker:9092' }],
    ['a card number in the reason', 'pause --reason 4242424242424242', KAFKA],
    ['a reason without an end', `resume --reason ${'x'.repeat(501)}`, KAFKA],
  ])('write nothing with %s', async (_, commandLine, environment) => {
    const { code, orders, err } = await given(commandLine, environment)
    expect([code, orders]).toEqual([64, []])
    expect(err).not.toContain('4242')
  })

  it('write nothing without a Kafka to write to', async () => {
    expect(await given('pause --reason drill', { USER: 'ada' })).toMatchObject({ code: 78, orders: [] })
  })
})
