import { expect, test } from '@playwright/test'
import { expectAxeClean, expectNoSidewaysScroll, makeSite, signInEmpty } from './helpers.ts'

/** The empty instance asks a weather service on this machine, of Open-Meteo's shape, that always tells the same of the last hours. */
test('a site that measures no weather shows what the service tells of its place, and that it is the service', async ({
  page,
}) => {
  await signInEmpty(page)
  const here = await makeSite(page, { name: 'Under a told sky', latitude: 52.52, longitude: 13.4 })
  const nowhere = await makeSite(page, { name: 'Without a place' })
  await page.setViewportSize({ width: 320, height: 700 })
  const panel = page.getByRole('region', { name: 'Weather at the site' })
  const base = new URL(page.url()).origin
  await expect(async () => {
    await page.goto(`${base}/sites/${here}`)
    await page.locator('#system').scrollIntoViewIfNeeded()
    await expect(panel).toBeVisible({ timeout: 5_000 })
  }).toPass({ timeout: 120_000 })
  await expect(panel).toContainText('Global irradiance')
  await expect(panel).toContainText(/456 ?W\/m²/)
  await expect(panel).toContainText(/12\.3 ?°C/)
  await expect(panel).toContainText(/Weather service, \d{2}:00 to \d{2}:00/)
  // Wind it does not tell of: absent is not calm.
  await expect(panel).not.toContainText('Wind speed')
  await expectNoSidewaysScroll(page)
  await expectAxeClean(page)

  await page.goto(`${base}/sites/${nowhere}`)
  await page.locator('#system').scrollIntoViewIfNeeded()
  await expect(page.locator('#system').getByRole('heading').first()).toBeVisible()
  await expect(panel).toHaveCount(0)
})
