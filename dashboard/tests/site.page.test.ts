import { readFileSync } from 'node:fs'
import { expect, test } from '@playwright/test'
import { firstOf, signIn } from './helpers.ts'

test.beforeEach(async ({ page }) => {
  await signIn(page, 'support')
})

test('a site shows what it makes, in a chart and in a table', async ({ page }) => {
  const site = await firstOf(page, '/sites?limit=1')
  await page.goto(`/sites/${site.id}`)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(String(site['name']))
  await expect(page.locator('dt', { hasText: 'Power now' })).toBeVisible()
  const power = page.getByRole('region', { name: 'Power', exact: true })
  await expect(power.locator('canvas')).toBeVisible()
  await expect(power.locator('figcaption')).toContainText(/from .+ to /)
  await power.getByLabel('Range of the power chart').selectOption('week')
  await expect(page).toHaveURL(/range=week/)
  await power.getByRole('button', { name: 'Earlier' }).click()
  await expect(page).toHaveURL(/at=\d{4}-\d{2}-\d{2}/)
  await page.goBack()
  await expect(page).not.toHaveURL(/at=/)
  await power.getByRole('button', { name: 'Table' }).click()
  await expect(page).toHaveURL(/power=table/)
  await expect(power.getByRole('columnheader', { name: /AC power, k?W|AC power, MW/ })).toBeVisible()
})

test('energy stands by local days and can be taken along', async ({ page }) => {
  const site = await firstOf(page, '/sites?limit=1')
  await page.goto(`/sites/${site.id}`)
  const energy = page.getByRole('region', { name: 'Energy', exact: true })
  await expect(energy.locator('figcaption')).toContainText('Energy of 30 days')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    energy.getByRole('button', { name: 'CSV' }).click(),
  ])
  const lines = readFileSync(await download.path(), 'utf8')
    .trim()
    .split('\r\n')
  expect(lines[0]).toBe('date,energy_wh')
  expect(lines).toHaveLength(31)
  await energy.getByLabel('Range of the energy chart').selectOption('months')
  await expect(energy.locator('figcaption')).toContainText('Energy of 12 months')
})

test('a device opens from its site', async ({ page }) => {
  const device = await firstOf(page, '/devices?limit=1')
  await page.goto(`/sites/${String(device['siteId'])}`)
  await page
    .getByRole('table', { name: 'Devices' })
    .getByRole('link', { name: String(device['name']) })
    .first()
    .click()
  await page.waitForURL(/\/devices\//)
  await expect(page.getByRole('heading', { level: 1, name: String(device['name']) })).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Latest values' })).toBeVisible()
})

test('what is not there is said so, not shown empty', async ({ page }) => {
  await page.goto('/sites/018f0000-0000-7000-8000-000000000000')
  await expect(page.getByRole('alert')).toBeVisible()
  await page.goto('/no-such-page')
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible()
})
