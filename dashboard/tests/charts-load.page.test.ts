import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { expect, test } from '@playwright/test'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { build } from 'vite'

/** How long the charts are watched: `HELIO_CHART_SECONDS=600` is what the heap is judged by. */
const SECONDS = Number(process.env['HELIO_CHART_SECONDS'] ?? 15)
/** As for the fleet: room for slower machines, and for caches that are shared. */
const SLOWNESS = Number(process.env['HELIO_SLOWNESS'] ?? 5)
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

test('ten live charts at one value a second leave most of a core alone, and the heap stays flat', async ({ page }) => {
  test.setTimeout((SECONDS + 120) * 1000)
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-charts-'))
  try {
    await build({
      configFile: false,
      root: join(import.meta.dirname, 'charts-load'),
      logLevel: 'error',
      plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
      build: { outDir: folder, emptyOutDir: true, target: 'es2023' },
    })
    await page.route('http://charts.test/**', (route) => {
      const path = new URL(route.request().url()).pathname
      const file = path === '/' ? '/index.html' : path
      return route.fulfill({
        body: readFileSync(join(folder, file)),
        contentType: TYPES[extname(file)] ?? 'application/octet-stream',
      })
    })
    await page.setViewportSize({ width: 1440, height: 1200 })
    await page.goto('http://charts.test/')
    await expect(page.locator('canvas')).toHaveCount(10, { timeout: 60_000 })

    const debug = await page.context().newCDPSession(page)
    await debug.send('Performance.enable', { timeDomain: 'threadTicks' })
    const script = async () =>
      ((await debug.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'ScriptDuration')?.value ?? 0) *
      1000
    /** The least of several looks: one collection leaves what only the next one may take. */
    const heap = async () => {
      let least = Infinity
      for (let look = 0; look < 5; look++) {
        await debug.send('HeapProfiler.collectGarbage')
        least = Math.min(least, (await debug.send('Runtime.getHeapUsage')).usedSize)
        await page.waitForTimeout(150)
      }
      return least
    }
    const turn = async () => Number(await page.locator('main').getAttribute('data-turn'))
    // All have drawn anew some times: what a chart keeps for good (its code, its caches) is there by then, however slow the machine.
    const WARM = 5
    await expect.poll(turn, { timeout: 60_000 }).toBeGreaterThan(WARM)
    const [heapBefore, scriptBefore, turnBefore] = [await heap(), await script(), await turn()]
    await page.waitForTimeout(SECONDS * 1000)
    const turns = (await turn()) - turnBefore
    const perTurn = ((await script()) - scriptBefore) / turns
    const grown = (await heap()) / heapBefore
    const told = {
      seconds: SECONDS,
      turns,
      scriptMsPerSecond: Math.round(perTurn),
      heapGrownTo: Number(grown.toFixed(3)),
    }
    console.log(`ten live charts: ${JSON.stringify(told)}`)
    expect(turns).toBeGreaterThan(SECONDS / 3)
    expect(perTurn).toBeLessThan(200 * SLOWNESS)
    expect(grown).toBeLessThan(1.2)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
