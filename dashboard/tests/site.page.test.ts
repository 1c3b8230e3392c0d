import { readFileSync } from 'node:fs'
import { expect, test, type Page } from '@playwright/test'
import { expectAxeClean, expectNoSidewaysScroll, firstOf, signIn } from './helpers.ts'

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
  // Earlier and later: in the address, like the curve's.
  await energy.getByRole('button', { name: 'Earlier' }).press('Enter')
  await expect(page).toHaveURL(/[?&]energyAt=\d{4}-\d{2}-01/)
  await expect(energy.locator('figcaption')).toContainText('Energy of 12 months: no data')
  await page.reload()
  await expect(energy.locator('figcaption')).toContainText('Energy of 12 months: no data')
  await energy.getByRole('button', { name: 'Later' }).click()
  await expect(page).not.toHaveURL(/energyAt/)
  await expect(energy.locator('figcaption')).toContainText('in all')
  await expect(energy.getByRole('button', { name: 'Later' })).toBeDisabled()
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
  for (const kind of ['sites', 'devices', 'customers', 'tickets']) {
    await page.goto(`/${kind}/018f0000-0000-7000-8000-000000000000`)
    await expect(page.getByRole('alert')).toBeVisible()
    await expectAxeClean(page)
  }
  await page.goto('/no-such-page')
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible()
})

test('a site says how it is, and its hours and inverters can be compared', async ({ page }) => {
  const device = await firstOf(page, '/devices?limit=1&kind=inverter')
  await page.goto(`/sites/${String(device['siteId'])}`)
  const heat = page.getByRole('region', { name: 'Energy by day and hour' })
  await heat.scrollIntoViewIfNeeded()
  await expect(heat.locator('figcaption')).toContainText('Energy by day and hour of 30 days')
  await heat.getByRole('button', { name: 'Earlier' }).click()
  await expect(page).toHaveURL(/[?&]heatAt=/)
  await heat.getByRole('button', { name: 'Later' }).click()
  await expect(page).not.toHaveURL(/heatAt=/)
  await heat.getByRole('button', { name: 'Table' }).click()
  await expect(page).toHaveURL(/hours=table/)
  await expect(heat.getByRole('columnheader', { name: 'Day', exact: true })).toBeVisible()
  const history = page.getByRole('region', { name: 'Alarms and tickets over time' })
  await history.scrollIntoViewIfNeeded()
  await expect(history.getByRole('listitem').or(history.getByText('Nothing has happened'))).not.toHaveCount(0)
})

test('a chart goes along as a picture', async ({ page }) => {
  const site = await firstOf(page, '/sites?limit=1')
  await page.goto(`/sites/${site.id}?energy=years`)
  const energy = page.getByRole('region', { name: 'Energy', exact: true })
  await expect(energy.locator('canvas')).toBeVisible()
  const button = energy.getByRole('button', { name: 'PNG' })
  await expect(button).toBeEnabled()
  const [download] = await Promise.all([page.waitForEvent('download'), button.click()])
  const bytes = readFileSync(await download.path())
  expect(bytes.subarray(1, 4).toString()).toBe('PNG')
  expect(bytes.length).toBeGreaterThan(3000)
})

/** A site of the test's own: nobody else's numbers hang on it. */
async function ownSite(page: Page, name: string): Promise<{ id: string; version: number }> {
  const customer = await firstOf(page, '/customers?limit=1')
  return await page.evaluate(
    async ([customerId, siteName]) => {
      const answer = await fetch('/api/v1/sites', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: siteName, customerId, timezone: 'Asia/Kolkata' }),
      })
      return (await answer.json()) as { id: string; version: number }
    },
    [customer.id, name] as const,
  )
}

test('a site is edited in place by keyboard; what somebody else changed meanwhile is a choice', async ({ page }) => {
  const { id } = await ownSite(page, `Editing ${String(Date.now())}`)
  await page.goto(`/sites/${id}`)
  await page.getByRole('button', { name: 'Edit', exact: true }).first().focus()
  await page.keyboard.press('Enter')
  const card = page.getByRole('region', { name: 'System' })
  const name = card.getByLabel('Name', { exact: true })
  await name.fill('The name I want')
  await card.getByLabel(/Modules/).fill('12,5')
  await page.evaluate(async (site) => {
    const read = await fetch(`/api/v1/sites/${site}`)
    await fetch(`/api/v1/sites/${site}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', 'if-match': read.headers.get('etag') ?? '' },
      body: JSON.stringify({ name: 'The name of somebody else', tags: ['theirs'] }),
    })
  }, id)
  await name.press('Enter')
  const choice = page.getByRole('dialog', { name: 'Somebody changed this meanwhile' })
  await expect(choice.getByRole('cell', { name: 'The name of somebody else' })).toBeVisible()
  await expectAxeClean(page)
  await choice.getByRole('button', { name: 'Go on editing' }).click()
  await expect(name).toHaveValue('The name I want')
  await expect(card.getByLabel(/Tags/)).toHaveValue('theirs')
  await name.press('Enter')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The name I want')
  await expect(card.getByText('12.5 kWp')).toBeVisible()
})

test('what was typed outlives a reload', async ({ page }) => {
  const { id } = await ownSite(page, `Draft ${String(Date.now())}`)
  await page.goto(`/sites/${id}`)
  await page.getByRole('button', { name: 'Edit', exact: true }).first().click()
  const card = page.getByRole('region', { name: 'System' })
  await card.getByLabel('Town').fill('Pune')
  await page.reload()
  await page.getByRole('button', { name: 'Edit', exact: true }).first().click()
  await expect(card.getByLabel('Town')).toHaveValue('Pune')
})

test('a site with nothing: no place, no arrays, no devices, and a long name from right to left', async ({ page }) => {
  const long = await ownSite(page, 'ب'.repeat(60) + ' <b>bold</b> ' + 'x'.repeat(127))
  await page.setViewportSize({ width: 320, height: 700 })
  await page.goto(`/sites/${long.id}`)
  await expect(page.getByText('No devices yet.')).toBeVisible()
  await expect(page.getByText('No arrays known.', { exact: false })).toBeVisible()
  await expect(page.getByText('not known: nights are not shaded', { exact: false })).toBeVisible()
  const heading = page.getByRole('heading', { level: 1 })
  await expect(heading).toContainText('<b>bold</b>')
  await expect(heading).toHaveCSS('unicode-bidi', 'plaintext')
  await expectNoSidewaysScroll(page)
  await expectAxeClean(page)
})
