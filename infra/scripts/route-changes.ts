/** How long it takes from a press on a link of the rail, or on a site of the fleet, until the page behind it is painted, and until it has its data. */
import type { Page } from '@playwright/test'

const ROUNDS = 6
const LIMIT_MS = 10_000
/** Between two presses: what a page still does in the background is its own. */
const REST_MS = 1_500

export interface RouteChange {
  to: string
  /** Milliseconds. */
  painted: number
  complete: number
}
interface Step {
  to: string
  link: string
  /** How its address begins. */
  path: string
}
const SITE: Step = { to: 'a site', link: 'main [data-row] a[data-main]', path: '/sites/' }

/**
 * Goes by every link of the rail, and from the fleet to a site, round by round.
 * @param page signed in, on any page with the rail; every page is opened once before, so that its scripts are there
 * @param without paths that are not opened
 */
export async function measureRouteChanges(
  page: Page,
  { without = [], rounds = ROUNDS }: { without?: readonly string[]; rounds?: number } = {},
): Promise<RouteChange[]> {
  const hrefs = await page
    .getByRole('navigation')
    .first()
    .getByRole('link')
    .evaluateAll((links) => links.map((link) => link.getAttribute('href')!))
  const steps = hrefs
    .filter((href) => href.startsWith('/') && href !== '/' && !without.includes(href))
    .flatMap((path): Step[] => {
      const step = { to: path, link: `nav a[href="${path}"]`, path }
      return path === '/fleet' ? [step, SITE] : [step]
    })
  await page.goto(new URL(steps.at(-1)!.path, page.url()).href)
  await page.locator('main h1').first().waitFor()
  const found: RouteChange[] = []
  for (let round = 0; round <= rounds; round++)
    for (const { to, link, path } of steps) {
      const took = await page.evaluate(pressed, { link, path, limitMs: LIMIT_MS })
      if (round > 0) found.push({ to, ...took })
      await page.waitForTimeout(REST_MS)
    }
  return found
}

/** The value that a share of all does not exceed, rounded. */
export const quantile = (values: readonly number[], share: number): number =>
  Math.round(values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!)

/** As much of a browser as runs below; the rest of the scripts must not take themselves to be in one. */
declare const document: { querySelector(selector: string): { click(): void } | null }
declare const location: { pathname: string }
declare const requestAnimationFrame: (run: () => void) => number

/** Runs in the page. */
async function pressed({ link, path, limitMs }: { link: string; path: string; limitMs: number }) {
  const frame = () => new Promise<void>((resolve) => requestAnimationFrame(resolve))
  const heading = () => document.querySelector('main h1')
  const before = heading()
  const start = performance.now()
  const since = () => performance.now() - start
  document.querySelector(link)!.click()
  while (!location.pathname.startsWith(path) || heading() === before || heading() === null) {
    if (since() > limitMs) throw new Error(`${path} did not come in ${String(limitMs)} ms`)
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
