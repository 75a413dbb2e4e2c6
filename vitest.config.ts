import { defineConfig } from 'vitest/config'
import { ConformanceReporter } from './test/support/conformanceReporter.ts'
import { CountsReporter } from './test/support/countsReporter.ts'

/** Only `npm run conformance` writes its page: a part of the suite, run by hand, must not. */
const conformance = process.env.npm_lifecycle_event === 'conformance'

export default defineConfig({
  test: {
    reporters: conformance
      ? ['verbose', new ConformanceReporter(), new CountsReporter()]
      : ['default', new CountsReporter()],
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], environment: 'node', testTimeout: 20_000 } },
      {
        test: {
          name: 'broker',
          include: ['test/broker/**/*.test.ts'],
          environment: 'node',
          // One bed (Kafka, registry) for the whole run. Two files at a time share it, each with topics of its own: most of
          // their time is waiting for sessions, deadlines and processes.
          globalSetup: ['test/broker/globalSetup.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
          // Real processes against real clocks: a machine that stalls can fail a test that is right. It gets one second
          // attempt, and the run's last lines name it. Tests whose oracle counts records or pushes say `retry: 0`: what
          // they find once has happened.
          retry: 1,
        },
      },
      {
        test: {
          name: 'chart',
          include: ['test/helm/*.test.ts'],
          environment: 'node',
          globalSetup: ['test/helm/globalSetup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'chart-tools',
          include: ['test/helm/full/**/*.test.ts', 'test/compose/**/*.test.ts'],
          environment: 'node',
          testTimeout: 120_000,
          // The first run builds Helm 3 and others from their sources.
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          environment: 'node',
          globalSetup: ['test/broker/globalSetup.ts'],
          // As above; `--no-file-parallelism` where two at a time are too much for the machine.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
