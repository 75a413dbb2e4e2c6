import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import type { PacingView } from '../../../src/processors/provision/pacingView.ts'
import { Instruments } from '../../../src/telemetry/instruments.ts'
import { pacingMetrics } from '../../../src/telemetry/pacingMetrics.ts'

const VIEW: PacingView = {
  inUse: 3,
  waiting: { push: 7, look: 1 },
  knotBreaker: 'half_open',
  places: 64,
  perSecond: null,
  merchants: [
    { merchantId: 19, waiting: 7, inUse: 2, breaker: 'open' },
    { merchantId: null, waiting: 0, inUse: 1, breaker: 'closed' },
  ],
}

function open() {
  const registry = new Registry()
  const metrics = pacingMetrics(new Instruments(registry))
  return { metrics, lines: async () => (await registry.metrics()).split('\n') }
}

describe('the metrics of pacing', () => {
  it('show limits, waits and breakers as they are at the scrape', async () => {
    const { metrics, lines } = open()
    let view = VIEW
    metrics.pacing(() => view)
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'onfile_provision_permits_in_use 3',
        'onfile_provision_waiting{kind="push"} 7',
        'onfile_provision_limit{limit="concurrency"} 64',
        'onfile_provision_limit{limit="per_second"} +Inf',
        'onfile_provision_merchant_waiting{merchant="19"} 7',
        'onfile_provision_merchant_in_use{merchant="none"} 1',
        'onfile_breaker_state{breaker="knot"} 1',
        'onfile_breaker_state{breaker="19"} 2',
        'onfile_breaker_opened_total{breaker="knot"} 0',
      ]),
    )
    view = { ...VIEW, merchants: [] }
    expect((await lines()).filter(line => line.includes('"19"'))).toEqual([])
  })

  it('count waits and breakers that opened', async () => {
    const { metrics, lines } = open()
    metrics.waited('push', 400)
    metrics.breakerOpened(19)
    metrics.breakerOpened('knot')
    const page = await lines()
    expect(page).toContain('onfile_provision_wait_seconds_bucket{le="1",kind="push"} 1')
    expect(page).toContain('onfile_provision_wait_seconds_bucket{le="0.25",kind="push"} 0')
    expect(page).toContain('onfile_breaker_opened_total{breaker="19"} 1')
    expect(page).toContain('onfile_breaker_opened_total{breaker="knot"} 1')
  })

  it('give no more than 200 merchants a label of their own, and the rest one', async () => {
    const { metrics, lines } = open()
    const merchants = Array.from({ length: 1_000 }, (_, merchantId) => ({
      merchantId,
      waiting: 1,
      inUse: 0,
      breaker: merchantId === 999 ? ('open' as const) : ('closed' as const),
    }))
    metrics.pacing(() => ({ ...VIEW, merchants }))
    const page = await lines()
    expect(page.filter(line => line.startsWith('onfile_provision_merchant_waiting{'))).toHaveLength(200)
    expect(page).toContain('onfile_provision_merchant_waiting{merchant="other"} 801')
    expect(page).toContain('onfile_breaker_state{breaker="other"} 2')
  })
})
