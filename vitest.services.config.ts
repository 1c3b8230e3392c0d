import { defineConfig } from 'vitest/config'

const LINE = 'infra/e2e/**/*.services.test.ts'
const limits = {
  exclude: ['**/node_modules/**', '**/build/**'],
  testTimeout: 120_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 15_000 } },
}

/** Suites on real engines, started by `npm run test:services`. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...limits,
          name: 'engines',
          include: ['infra/**/*.services.test.ts'],
          exclude: [...limits.exclude, LINE],
          // Each has names of its own on engines that are shared, and its own engine where it kills one; much of their time is waiting.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...limits,
          name: 'line',
          include: [LINE],
          // One at a time: the whole product, and engines, fill two cores.
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
