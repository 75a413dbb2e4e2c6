import { expect, inject, it } from 'vitest'
import { membershipSoak } from '../../soak/membershipSoak.ts'

it(
  'an instance whose partitions come and go keeps nothing of them: handles, timers and listeners stay, memory is not gross',
  { timeout: 120_000 },
  async () => {
    const { growth, rebalances } = await membershipSoak(inject('brokers'), 25, { bytes: 64 << 20, count: 3 }, 300)
    expect(rebalances).toBeGreaterThan(8)
    expect(growth.filter(({ isLeak }) => isLeak)).toEqual([])
  },
)
