import { defineConfig } from 'vitest/config'
import { CountsReporter } from './test/support/countsReporter.ts'

export default defineConfig({
  test: {
    reporters: ['default', new CountsReporter()],
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], environment: 'node', testTimeout: 20_000 } },
      {
        test: {
          name: 'broker',
          include: ['test/broker/**/*.test.ts'],
          environment: 'node',
          // One bed (Kafka, registry) for the whole run; the files share it and run one after the other.
          globalSetup: ['test/broker/globalSetup.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
