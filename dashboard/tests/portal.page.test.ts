import { expect, test } from '@playwright/test'
import { expectAxeClean, expectNoSidewaysScroll, signIn, watchConsole } from './helpers.ts'

/** The smallest picture there is. */
const PHOTO = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

test('a customer reads one plain sentence first, then figures, and no word of the trade', async ({ page }) => {
  const console = watchConsole(page)
  await signIn(page, 'customer')
  await page.goto('/portal')
  await expect(page.getByRole('status').filter({ hasText: /\.$/ }).first()).toBeVisible()
  await expect(page.getByRole('region', { name: "The day's curve" }).locator('figcaption')).toContainText('Power from')
  await expect(page.getByRole('region', { name: 'Energy', exact: true }).locator('figcaption')).toContainText(
    'Energy of 30 days',
  )
  await page.getByLabel('Range of the energy chart').selectOption('months')
  await expect(page).toHaveURL(/energy=months/)
  const facts = page.getByRole('region', { name: 'Your system' })
  await facts.scrollIntoViewIfNeeded()
  await expect(facts.getByText('Panels')).toBeVisible()
  // A house with battery and meter: how full it is, where power flows, and what of the own power was used at home.
  await expect(page.locator('dt', { hasText: /^Battery$/ }).locator('xpath=following-sibling::dd')).toContainText('%')
  await expect(page.getByRole('region', { name: 'Where it flows now' })).toContainText(/battery/i)
  const own = page.getByRole('region', { name: 'What you used yourself' })
  // The demo's past comes in while these tests begin.
  await expect(async () => {
    await page.reload()
    await page.getByRole('region', { name: 'Energy', exact: true }).scrollIntoViewIfNeeded()
    await own.scrollIntoViewIfNeeded()
    await own.getByLabel('Range of your own use').selectOption('month')
    await expect(own).toContainText(/\d\s*[kM]?Wh/, { timeout: 5_000 })
  }).toPass({ timeout: 120_000 })
  await expect(own).toContainText(/\d\s?%/)
  const text = (await page.locator('main').innerText()).toLowerCase()
  for (const jargon of ['ac power', 'kwh/kwp', 'telemetry', 'mppt', 'dead-string', 'underperformance'])
    expect(text).not.toContain(jargon)
  await expectAxeClean(page)
  await page.setViewportSize({ width: 320, height: 700 })
  await expectNoSidewaysScroll(page)
  await page.emulateMedia({ colorScheme: 'dark' })
  await expectAxeClean(page)
  expect(console).toEqual([])
})

test('trouble is called seen only where somebody has seen it', async ({ page }) => {
  await signIn(page, 'customer')
  const siteId = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/sites?limit=1')
    return ((await answer.json()) as { items: { id: string }[] }).items[0]!.id
  })
  const alarm = (id: string, type: string, acknowledgedAt: string | null) => ({
    id,
    version: 1,
    type,
    severity: 'major',
    siteId,
    deviceId: null,
    message: 'F-24',
    details: null,
    raisedAt: new Date(Date.now() - 3_600_000).toISOString(),
    clearedAt: null,
    acknowledgedAt,
    acknowledgedBy: null,
    mutedUntil: null,
    muteReason: null,
    historic: false,
    incidentId: null,
    ticketId: null,
  })
  const items = [alarm('a', 'inverter-fault', null), alarm('b', 'dead-string', new Date().toISOString())]
  await page.route('**/api/v1/alarms?*', (route) => route.fulfill({ json: { items, nextCursor: null } }))
  await page.goto('/portal')
  const known = page.getByRole('region', { name: 'What we know of' }).getByRole('listitem')
  await expect(known.filter({ hasText: 'stopped by itself' })).toContainText('Our service has been told.')
  await expect(known.filter({ hasText: 'part of your panels' })).toContainText('We have seen it')
})

test('a customer writes with a photo by keyboard, and adds another when answering', async ({ page }) => {
  await signIn(page, 'customer')
  await page.goto('/portal')
  await page.getByRole('button', { name: 'Write to us' }).focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Write to us' })
  const subject = `A tile is loose ${String(Date.now())}`
  await dialog.getByLabel('What is it about?').fill(subject)
  await dialog
    .getByLabel('Photos or PDF files')
    .setInputFiles({ name: 'roof.png', mimeType: 'image/png', buffer: PHOTO })
  await expect(dialog.getByRole('list', { name: 'Files to be sent' })).toContainText('roof.png')
  await dialog
    .getByLabel('Photos or PDF files')
    .setInputFiles({ name: 'note.txt', mimeType: 'text/plain', buffer: PHOTO })
  await expect(dialog.getByRole('alert')).toContainText('note.txt is neither a photo')
  await expectAxeClean(page)
  await dialog.getByLabel('What is it about?').press('Enter')
  await page.waitForURL(/\/tickets\//)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(subject)
  const photo = page.getByRole('img', { name: 'roof.png' })
  await expect(photo).toBeVisible()
  expect(await photo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1)
  await page.getByLabel('Comment').fill('And from the other side')
  await page.getByLabel('Photos or PDF files').setInputFiles({ name: 'side.png', mimeType: 'image/png', buffer: PHOTO })
  await page.getByRole('button', { name: 'Add comment' }).click()
  await expect(page.getByText('And from the other side')).toBeVisible()
  await expect(page.getByRole('img', { name: 'side.png' })).toBeVisible()
  await page.goto('/portal')
  await expect(page.getByRole('link', { name: subject })).toBeVisible()
})

test('a customer opens its own site without the words for staff, and no page of theirs', async ({ page }) => {
  await signIn(page, 'customer')
  const site = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/sites?limit=1')
    return ((await answer.json()) as { items: { id: string }[] }).items[0]!.id
  })
  await page.goto(`/sites/${site}`)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Edit', exact: true })).toHaveCount(0)
  await expect(page.getByRole('region', { name: 'Customer' })).toHaveCount(0)
  const device = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/devices?limit=1')
    return ((await answer.json()) as { items: { id: string }[] }).items[0]!.id
  })
  await page.goto(`/devices/${device}`)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Raw messages' })).toHaveCount(0)
  await expect(page.getByRole('region', { name: 'Link, role and place' })).toHaveCount(0)
})
