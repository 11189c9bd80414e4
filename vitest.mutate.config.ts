import { defineConfig } from 'vitest/config'

/** What must notice a change of the domain or of a projection: `npm run mutate`. */
export default defineConfig({
  test: {
    include: ['test/{domain,projections}/**/*.test.ts', 'test/unit/identity-vectors.test.ts'],
  },
})
