import { defineConfig } from 'vitest/config'

/**
 * Suites on real engines, two at a time: each has names of its own on those that are shared, and engines of its own where it kills them;
 * much of their time is waiting. Started by `npm run test:services`.
 */
export default defineConfig({
  test: {
    name: 'services',
    include: ['infra/**/*.services.test.ts'],
    exclude: ['**/node_modules/**', '**/build/**'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 15_000 } },
    maxWorkers: 2,
  },
})
