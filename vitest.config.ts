import { defineConfig } from 'vitest/config'
import { useMemory } from './test/support/use-memory.ts'

useMemory()

/** They count the processor time of turns of the event loop, which neighbours would lengthen. */
const ALONE = ['test/executors/simulator-*.test.ts', 'test/e2e/attacks.test.ts']

// `unit` needs nothing but node; the others share one embedded Postgres, a database per file.
// Files are not isolated from each other: to load everything anew for each took a fifth of the time.
const withPostgres = {
  globalSetup: ['test/support/global-setup.ts'],
  testTimeout: 30_000,
  hookTimeout: 60_000,
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{domain,projections,house,unit}/**/*.test.ts'],
          // Some start programs, on a machine that may be busy with the others.
          testTimeout: 30_000,
          isolate: false,
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...withPostgres,
          name: 'system',
          include: [
            'test/{conformance,rules,http,cli,e2e,faults,embedded,executors,telemetry}/**/*.test.ts',
          ],
          exclude: ALONE,
          isolate: false,
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...withPostgres,
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          isolate: false,
          globalSetup: [...withPostgres.globalSetup, 'test/support/browser-setup.ts'],
          maxWorkers: 1,
          // A browser takes all there is of two cores.
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...withPostgres,
          name: 'alone',
          include: ALONE,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
