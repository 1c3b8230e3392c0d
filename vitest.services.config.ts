import { defineConfig } from 'vitest/config'

/** Suites on real engines, one at a time: they share the engines and two cores. Started by `npm run test:services`. */
export default defineConfig({
  test: {
    name: 'services',
    include: ['infra/**/*.services.test.ts'],
    exclude: ['**/node_modules/**', '**/build/**'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    maxWorkers: 1,
    fileParallelism: false,
  },
})
