import { defineConfig } from 'vitest/config'

/** Suites that start whole instances or engines: one at a time, after all others, since each of them fills two cores. */
const WHOLE = ['infra/e2e/**/*.test.ts', 'infra/src/warehouse/*.test.ts', 'infra/src/crm/sqlite.test.ts']
const EXCLUDED = ['**/node_modules/**', '**/build/**', '**/*.page.test.ts', '**/*.services.test.ts']
/** Deadlines of the product are asserted by the tests themselves; these only end what hangs. */
const limits = { testTimeout: 60_000, hookTimeout: 120_000, expect: { poll: { timeout: 10_000 } } }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...limits,
          name: 'parts',
          include: ['{crm-core,ingest,stream,api,infra,loadtest,dashboard}/**/*.test.ts'],
          exclude: [...EXCLUDED, ...WHOLE],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...limits,
          name: 'whole',
          include: WHOLE,
          exclude: EXCLUDED,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          // A whole instance on a shared, noisy machine may miss a deadline once; never twice. What was lost by a kill is no
          // deadline: those suites say `retry: 0`.
          retry: process.env['CI'] === 'true' ? 1 : 0,
        },
      },
    ],
  },
})
