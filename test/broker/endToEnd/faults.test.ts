import { describe, expect, inject, it } from 'vitest'
import { faultsSoak } from '../../soak/faultsSoak.ts'

const SEED = 20_261_128

describe(
  'a Knot that fails in every way, kill -9 all the while (the small run of `npm run soak -- faults`)',
  { retry: 0 },
  () => {
    it(
      `seed ${SEED}: every attempt ends, every input is explained once, never two pushes at once`,
      { timeout: 300_000 },
      async () => {
        const lines: string[] = []
        const { figures, violations, stories } = await faultsSoak({
          brokers: inject('brokers'),
          registryUrl: inject('registryUrl'),
          users: 150,
          merchants: 3,
          faults: 0.2,
          killEveryMs: 2_500,
          kills: { least: 3, most: 3 },
          windows: { everyMs: 2_000, forMs: 1_000 },
          seed: SEED,
          usersAtOnce: 100,
          hardSeconds: 24,
          admitForMs: 60_000,
          settleWithinMs: 150_000,
          partitions: 2,
          log: line => lines.push(line),
        })
        expect(violations.slice(0, 20), [`seed ${SEED}`, ...lines, ...stories].join('\n')).toEqual([])

        // It was what it says, also where the machine was too slow for most of the pushes.
        expect(figures.kills).toBe(3)
        expect(figures.pushes).toBeGreaterThan(100)
        expect(figures.inFlightMax).toBe(1)
        expect(figures.faults.size).toBeGreaterThan(5)
        expect(figures.readFaults.size).toBeGreaterThan(2)
        expect([...figures.told.keys()]).toEqual(
          expect.arrayContaining([
            ...['UPDATED', 'FAILED', 'NEEDS_USER_ACTION', 'RETRY_SCHEDULED', 'NO_RESULT'],
            ...['SKIPPED', 'SUPPRESSED', 'CANCELLED'],
          ]),
        )
        expect(figures.updatedOnAttempt.get('attempt 2')).toBeGreaterThan(0)
        expect(figures.logins).toBeGreaterThan(0)
        expect([...figures.orders.keys()].sort()).toEqual(['cancel', 'forget', 'lift', 'retry', 'suppress'])
        expect(figures.outages.size).toBe(4)
      },
    )
  },
)
