/** How long it takes from a press on a link of the rail until the page behind it is painted, and until it has its data. */
import type { Page } from '@playwright/test'

const ROUNDS = 6
const LIMIT_MS = 10_000
/** Between two presses: what a page still does in the background is its own. */
const REST_MS = 1_500

export interface RouteChanges {
  count: number
  /** 95th percentiles, milliseconds. */
  paintedMs: number
  completeMs: number
  /** The slowest to be painted. */
  slowest: string
}

/**
 * @param page signed in, on any page with the rail; every page is opened once before, so that its scripts are there
 * @param without paths that are not opened
 */
export async function measureRouteChanges(page: Page, without: readonly string[] = []): Promise<RouteChanges> {
  const hrefs = await page
    .getByRole('navigation')
    .first()
    .getByRole('link')
    .evaluateAll((links) => links.map((link) => link.getAttribute('href')!))
  const targets = hrefs.filter((href) => href.startsWith('/') && href !== '/' && !without.includes(href))
  await page.goto(new URL(targets.at(-1)!, page.url()).href)
  await page.locator('main h1').first().waitFor()
  const found: { href: string; painted: number; complete: number }[] = []
  for (let round = 0; round <= ROUNDS; round++)
    for (const href of targets) {
      const took = await page.evaluate(pressed, { href, limitMs: LIMIT_MS })
      if (round > 0) found.push({ href, ...took })
      await page.waitForTimeout(REST_MS)
    }
  const p95 = (values: number[]) => Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)]!)
  return {
    count: found.length,
    paintedMs: p95(found.map(({ painted }) => painted)),
    completeMs: p95(found.map(({ complete }) => complete)),
    slowest: found.toSorted((a, b) => b.painted - a.painted)[0]!.href,
  }
}

/** As much of a browser as runs below; the rest of the scripts must not take themselves to be in one. */
declare const document: { querySelector(selector: string): { click(): void } | null }
declare const location: { pathname: string }
declare const requestAnimationFrame: (run: () => void) => number

/** Runs in the page. */
async function pressed({ href, limitMs }: { href: string; limitMs: number }) {
  const frame = () => new Promise<void>((resolve) => requestAnimationFrame(resolve))
  const heading = () => document.querySelector('main h1')
  const before = heading()
  const start = performance.now()
  const since = () => performance.now() - start
  document.querySelector(`nav a[href="${href}"]`)!.click()
  while (location.pathname !== href || heading() === before || heading() === null) {
    if (since() > limitMs) throw new Error(`${href} did not come in ${String(limitMs)} ms`)
    await frame()
  }
  // The frame after the one that painted it.
  await frame()
  const painted = since()
  while (document.querySelector('main [aria-busy="true"], main [data-land="loading"]')) {
    if (since() > limitMs) break
    await frame()
  }
  return { painted, complete: since() }
}
