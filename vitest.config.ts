import { defineConfig } from 'vitest/config'

// `unit` needs nothing but node; `system` shares one embedded Postgres, a database per file.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{domain,projections,house,unit}/**/*.test.ts'],
        },
      },
      {
        test: {
          name: 'system',
          include: [
            'test/{conformance,rules,http,cli,e2e,faults,embedded,executors,telemetry}/**/*.test.ts',
          ],
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
