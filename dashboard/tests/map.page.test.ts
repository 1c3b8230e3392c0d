import { expect, test } from '@playwright/test'
import { expectAxeClean, expectNoSidewaysScroll, signIn, watchConsole } from './helpers.ts'

test('the map shows the sites, the list beside it follows the view, the view is in the address', async ({ page }) => {
  test.setTimeout(240_000)
  const found = watchConsole(page)
  await signIn(page, 'support')
  await page.goto('/map')
  // A picture, until the mouse comes to it.
  await expect(page.locator('[data-map="still"] [data-mark]').first()).toBeVisible({ timeout: 60_000 })
  await expect(page.locator('canvas')).toHaveCount(0)
  await page.getByRole('region', { name: 'Map of sites' }).hover({ position: { x: 300, y: 20 } })
  await expect(page.locator('[data-map="drawn"]')).toBeVisible({ timeout: 60_000 })
  const marks = page.locator('[data-mark]')
  await expect(marks.first()).toBeVisible({ timeout: 60_000 })
  await expect(page).toHaveURL(/at=/)
  const list = page.getByRole('region', { name: 'Sites in view' })
  const all = await list.locator('[data-main]').count()
  expect(all).toBeGreaterThan(1)
  await expectAxeClean(page)
  // A view over the open sea holds nothing, and says so.
  await page.goto('/map?at=6/0/-30')
  await expect(list.getByText('No site lies in this view')).toBeVisible({ timeout: 60_000 })
  await page.getByRole('button', { name: 'Show all sites' }).click()
  await expect(list.locator('[data-main]')).toHaveCount(all, { timeout: 60_000 })
  // By keyboard: from the list to a site.
  await page.keyboard.press('j')
  await expect(list.locator('[data-main]').first()).toBeFocused()
  await page.keyboard.press('j')
  await expect(list.locator('[data-main]').nth(1)).toBeFocused()
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/sites\//)
  expect(found).toEqual([])
})

test('clusters open by mouse and by keyboard', async ({ page }) => {
  test.setTimeout(240_000)
  await page.route('**/api/v1/fleet/map?*', async (route) => {
    const cluster = {
      latitude: 48,
      longitude: 10,
      count: 1234,
      bbox: [9.9, 47.9, 10.1, 48.1],
      statuses: { producing: 1200, down: 34 },
      acPowerW: 5e6,
    }
    await route.fulfill({ json: { points: [], clusters: [cluster], withoutPlace: 3 } })
  })
  await signIn(page, 'support')
  await page.goto('/map?at=4/48/10')
  const mark = page.getByRole('button', { name: /1,234 sites: .*34 down/ })
  await expect(mark).toBeVisible({ timeout: 60_000 })
  await expect(page.getByText('3 sites have no place')).toBeVisible()
  // The picture gives way to the map that moves, and what is asked for again is the same mark: who stands on it stays.
  await mark.focus()
  await page.getByRole('region', { name: 'Map of sites' }).hover({ position: { x: 300, y: 20 } })
  await page.evaluate(() => window.dispatchEvent(new Event('resize')))
  await expect(page.locator('[data-land="drawn"]')).toBeVisible({ timeout: 60_000 })
  await expect(mark).toBeFocused()
  const zoom = () => Number(/at=([\d.]+)/.exec(decodeURIComponent(page.url()))?.[1] ?? 0)
  await page.keyboard.press('Enter')
  await expect.poll(zoom).toBeGreaterThan(7)
  await page.goto('/map?at=4/48/10')
  await expect(mark).toBeVisible({ timeout: 60_000 })
  await expect.poll(zoom).toBeLessThan(5)
  await mark.click()
  await expect.poll(zoom).toBeGreaterThan(7)
})

test('without WebGL there is the list, and a line that says why', async ({ page }) => {
  await page.addInitScript(() => {
    const original = HTMLCanvasElement.prototype.getContext
    HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, ...rest: unknown[]) {
      return kind.startsWith('webgl') ? null : (original as (...all: unknown[]) => unknown).call(this, kind, ...rest)
    } as typeof original
  })
  await signIn(page, 'support')
  await page.goto('/map')
  await expect(page.getByText('This browser draws no map (WebGL is off).')).toBeVisible()
  await expect(page.getByRole('region', { name: 'Sites in view' }).locator('[data-main]').first()).toBeVisible()
  await expectAxeClean(page)
})

test('tiles that do not come leave outlines, and it is said', async ({ page }) => {
  test.setTimeout(240_000)
  await page.route('**/api/v1/page-settings', (route) =>
    route.fulfill({ json: { mapStyleUrl: new URL('/no-such-style.json', page.url()).href } }),
  )
  await signIn(page, 'support')
  await page.goto('/map')
  await expect(page.getByText('The map’s tiles cannot be loaded')).toBeVisible({ timeout: 60_000 })
  await expect(page.locator('[data-mark]').first()).toBeVisible({ timeout: 60_000 })
})

test('the map fits a phone', async ({ page }) => {
  test.setTimeout(240_000)
  await page.setViewportSize({ width: 320, height: 640 })
  await signIn(page, 'support')
  await page.goto('/map')
  await expect(page.locator('[data-mark]').first()).toBeVisible({ timeout: 60_000 })
  await expectNoSidewaysScroll(page)
  await expectAxeClean(page)
})

test.describe('under a thumb', () => {
  test.use({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true })

  test('the map is a picture, with its marks and its list, until somebody moves it', async ({ page }) => {
    test.setTimeout(240_000)
    const found = watchConsole(page)
    await signIn(page, 'support')
    await page.goto('/map')
    const still = page.locator('[data-map="still"]')
    await expect(still.locator('[data-mark]').first()).toBeVisible({ timeout: 60_000 })
    await expect(page.getByText('Touch the map to move it')).toBeVisible()
    await expect(page).toHaveURL(/at=/)
    const list = page.getByRole('region', { name: 'Sites in view' })
    expect(await list.locator('[data-main]').count()).toBeGreaterThan(1)
    await expectNoSidewaysScroll(page)
    await expectAxeClean(page)
    // Neither the engine nor its graphics were asked for.
    await expect(page.locator('canvas')).toHaveCount(0)
    // Land is really there: the browser has taken the drawing in.
    const land = await still
      .locator('use')
      .first()
      .evaluate((use: SVGUseElement) => use.getBBox().width)
    expect(land).toBeGreaterThan(500)
    await still
      .locator('svg')
      .first()
      .tap({ position: { x: 110, y: 12 } })
    await expect(page.locator('[data-land="drawn"]')).toBeVisible({ timeout: 60_000 })
    await expect(still).toHaveCount(0)
    await expect(page.locator('[data-mark]').first()).toBeVisible()
    expect(found).toEqual([])
  })

  test('a group of sites opens by a press, and a site is a press away', async ({ page }) => {
    test.setTimeout(240_000)
    const cluster = {
      latitude: 48,
      longitude: 10,
      count: 12,
      bbox: [9.9, 47.9, 10.1, 48.1],
      statuses: { producing: 12 },
      acPowerW: 5e4,
    }
    await page.route('**/api/v1/fleet/map?*', (route) =>
      route.fulfill({ json: { points: [], clusters: [cluster], withoutPlace: 0 } }),
    )
    await signIn(page, 'support')
    await page.goto('/map?at=4/48/10')
    const mark = page.getByRole('button', { name: /12 sites: 12 producing/ })
    await mark.tap()
    await expect(page.locator('[data-map="still"]')).toHaveCount(0, { timeout: 60_000 })
    await expect.poll(() => Number(/at=([\d.]+)/.exec(decodeURIComponent(page.url()))?.[1] ?? 0)).toBeGreaterThan(7)
  })
})
