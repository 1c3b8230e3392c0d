import { defineConfig } from '@playwright/test'

/** Runs against a server that is already there: `HELIO_URL` (and `HELIO_DEMO_PASSWORD`) say where and how to sign in. */
export default defineConfig({
  testDir: 'tests',
  testMatch: '*.page.test.ts',
  // One after the other: two cores, and the pages change what they show.
  workers: 1,
  fullyParallel: false,
  // A browser on a shared, noisy machine may miss a deadline once; never twice.
  retries: process.env['CI'] === 'true' ? 1 : 0,
  // Waited for are conditions; how long they may take is set for a machine that does five times as much besides.
  timeout: 150_000,
  expect: { timeout: 30_000 },
  reporter: [['list']],
  outputDir: 'test-results',
  use: {
    baseURL: process.env['HELIO_URL'] ?? 'http://127.0.0.1:8080',
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    // Recording one costs as much again as the test itself: only of what failed and is tried again.
    trace: 'on-first-retry',
    launchOptions: {
      executablePath: process.env['HELIO_CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--use-angle=swiftshader',
        '--enable-unsafe-swiftshader',
      ],
    },
  },
})
