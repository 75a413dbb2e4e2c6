import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import type { ShownPacing } from '../../../src/processors/provision/ports.ts'
import { Instruments } from '../../../src/telemetry/instruments.ts'
import { pacingMetrics } from '../../../src/telemetry/pacingMetrics.ts'

const VIEW: ShownPacing = {
  inUse: 3,
  waiting: { push: 7, look: 1 },
  knotBreaker: 'half_open',
  knotBreakerWaitMs: 0,
  places: 64,
  perSecond: null,
  merchants: [
    { merchantId: 19, waiting: 7, inUse: 2, breaker: 'open', breakerWaitMs: 4_500, places: 16, perSecond: 12.5 },
    { merchantId: null, waiting: 0, inUse: 1, breaker: 'closed', breakerWaitMs: 0, places: 32, perSecond: null },
  ],
  openCommands: 20_000,
}

function open() {
  const registry = new Registry()
  const pacing = pacingMetrics(new Instruments(registry), ['provision', 'switcher'])
  return { pacing, metrics: pacing('provision'), lines: async () => (await registry.metrics()).split('\n') }
}

describe('the metrics of pacing', () => {
  it('show limits, waits and breakers as they are at the scrape', async () => {
    const { metrics, lines } = open()
    let view = VIEW
    metrics.pacing(() => view)
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'onfile_provision_permits_in_use{role="provision"} 3',
        'onfile_provision_waiting{role="provision",kind="push"} 7',
        'onfile_provision_limit{role="provision",limit="concurrency"} 64',
        'onfile_provision_limit{role="provision",limit="per_second"} +Inf',
        'onfile_provision_limit{role="provision",limit="open_commands"} 20000',
        'onfile_provision_merchant_waiting{role="provision",merchant="19"} 7',
        'onfile_provision_merchant_in_use{role="provision",merchant="none"} 1',
        'onfile_breaker_state{role="provision",breaker="knot"} 1',
        'onfile_breaker_state{role="provision",breaker="19"} 2',
        'onfile_breaker_opened_total{role="provision",breaker="knot"} 0',
        'onfile_provision_merchant_limit{role="provision",merchant="19",limit="concurrency"} 16',
        'onfile_provision_merchant_limit{role="provision",merchant="19",limit="per_second"} 12.5',
        'onfile_provision_merchant_limit{role="provision",merchant="none",limit="per_second"} +Inf',
        'onfile_breaker_wait_seconds{role="provision",breaker="19"} 4.5',
        'onfile_breaker_wait_seconds{role="provision",breaker="knot"} 0',
      ]),
    )
    view = { ...VIEW, merchants: [] }
    expect((await lines()).filter(line => line.includes('"19"'))).toEqual([])
  })

  it('tell the roles apart, and show no limit of open commands where there are none', async () => {
    const { pacing, lines } = open()
    pacing('provision').pacing(() => VIEW)
    pacing('switcher').pacing(() => ({ ...VIEW, knotBreaker: 'closed', inUse: 1, openCommands: null }))
    pacing('switcher').breakerOpened(19)
    const page = await lines()
    expect(page).toContain('onfile_provision_permits_in_use{role="provision"} 3')
    expect(page).toContain('onfile_provision_permits_in_use{role="switcher"} 1')
    expect(page).toContain('onfile_breaker_state{role="provision",breaker="knot"} 1')
    expect(page).toContain('onfile_breaker_state{role="switcher",breaker="knot"} 0')
    expect(page).toContain('onfile_breaker_opened_total{role="switcher",breaker="knot"} 0')
    expect(page.filter(line => line.startsWith('onfile_breaker_opened_total{role="provision",breaker="19"}'))).toEqual(
      [],
    )
    expect(page.filter(line => line.includes('limit="open_commands"'))).toEqual([
      'onfile_provision_limit{role="provision",limit="open_commands"} 20000',
    ])
  })

  it('count waits and breakers that opened', async () => {
    const { metrics, lines } = open()
    metrics.waited('push', 400)
    metrics.breakerOpened(19)
    metrics.breakerOpened('knot')
    const page = await lines()
    expect(page).toContain('onfile_provision_wait_seconds_bucket{le="1",role="provision",kind="push"} 1')
    expect(page).toContain('onfile_provision_wait_seconds_bucket{le="0.25",role="provision",kind="push"} 0')
    expect(page).toContain('onfile_breaker_opened_total{role="provision",breaker="19"} 1')
    expect(page).toContain('onfile_breaker_opened_total{role="provision",breaker="knot"} 1')
  })

  it('give no more than 200 merchants a label of their own, and the rest one', async () => {
    const { metrics, lines } = open()
    const merchants = Array.from({ length: 1_000 }, (_, merchantId) => ({
      merchantId,
      waiting: 1,
      inUse: 0,
      breaker: merchantId === 999 ? ('open' as const) : ('closed' as const),
      breakerWaitMs: merchantId === 999 ? 2_000 : 0,
      places: 4,
      perSecond: 1,
    }))
    metrics.pacing(() => ({ ...VIEW, merchants }))
    const page = await lines()
    expect(page.filter(line => line.startsWith('onfile_provision_merchant_waiting{'))).toHaveLength(200)
    expect(page).toContain('onfile_provision_merchant_waiting{role="provision",merchant="other"} 801')
    expect(page).toContain('onfile_breaker_state{role="provision",breaker="other"} 2')
    expect(page.filter(line => line.startsWith('onfile_breaker_wait_seconds{'))).toEqual([
      'onfile_breaker_wait_seconds{role="provision",breaker="knot"} 0',
      'onfile_breaker_wait_seconds{role="provision",breaker="other"} 2',
    ])
    expect(page.filter(line => line.startsWith('onfile_provision_merchant_limit{'))).toHaveLength(2 * 199)
  })
})
