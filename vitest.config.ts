import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{crm-core,ingest,stream,api,infra,loadtest,dashboard}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/build/**', '**/*.page.test.ts', '**/*.services.test.ts'],
    // Two cores: more workers only make each other late.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
})
