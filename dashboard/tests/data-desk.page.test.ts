import { expect, test } from '@playwright/test'
import { makeWebhook, signIn } from './helpers.ts'

test.beforeEach(async ({ page }) => {
  await signIn(page, 'support')
  await page.goto('/data')
})

test('a connection is made, rotated and revoked; its secret is shown once', async ({ page }) => {
  await page
    .getByRole('button', { name: /New connection|Make the first connection/ })
    .first()
    .click()
  const form = page.getByRole('dialog', { name: 'New connection' })
  await form.getByLabel('Name').fill('Loggers for a test')
  await form.getByRole('button', { name: 'Make connection' }).click()
  const shown = page.getByRole('dialog', { name: 'Connection made' })
  const secret = await shown.getByLabel('Secret', { exact: true }).inputValue()
  expect(secret.length).toBeGreaterThan(12)
  await expect(shown.getByLabel('User name', { exact: true })).not.toHaveValue('')
  // Neither a stray key nor a press outside takes it away.
  await page.keyboard.press('Escape')
  await expect(shown).toBeVisible()
  await shown.getByRole('button', { name: 'I have copied the secret' }).click()
  await expect(shown).toHaveCount(0)
  expect(await page.content()).not.toContain(secret)

  const row = page.getByRole('row', { name: /Loggers for a test/ }).first()
  await row.getByRole('button', { name: 'New secret' }).click()
  await page.getByRole('button', { name: 'Make new secret' }).click()
  const rotated = page.getByRole('dialog', { name: 'New secret' })
  await expect(rotated.getByText('stays good until')).toBeVisible()
  expect(await rotated.getByLabel('Secret', { exact: true }).inputValue()).not.toBe(secret)
  await rotated.getByRole('button', { name: 'I have copied the secret' }).click()

  const before = await page.getByRole('row', { name: /Loggers for a test/ }).count()
  await row.getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('button', { name: 'Revoke connection' }).click()
  await expect(page.getByRole('row', { name: /Loggers for a test/ })).toHaveCount(before - 1)
})

test('the line from edge to store tells how it is', async ({ page }) => {
  await page.getByRole('link', { name: 'Lag and health' }).click()
  await expect(page).toHaveURL(/tab=health/)
  await expect(page.getByText(/behind/).first()).toBeVisible()
})

test('the outbox shows what would be sent', async ({ page }) => {
  await page.getByRole('link', { name: 'Outbox' }).click()
  await expect(page.getByRole('heading', { name: 'Outbox' })).toBeVisible()
  await Promise.race([page.locator('summary').first().waitFor(), page.getByText('Nothing was sent yet').waitFor()])
})

test('what cannot be decoded is kept: its bytes are shown, and it can be replayed', async ({ page }) => {
  const webhook = await makeWebhook(page, 'Sender of nonsense')
  expect(await webhook.send('{"device": "x", "ts": <b>now</b>}')).toBe(202)
  await page.goto('/data?tab=dead-letters')
  const row = page.getByRole('row', { name: /Sender of nonsense/ }).first()
  await expect(async () => {
    await page.getByRole('button', { name: 'Reload' }).click()
    await expect(row).toBeVisible({ timeout: 1000 })
  }).toPass({ timeout: 30_000 })
  await row.getByRole('button', { name: 'View' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.locator('pre')).toContainText('<b>now</b>')
  await dialog.getByRole('button', { name: 'Hex' }).click()
  await expect(dialog.locator('pre')).toContainText(/^000000 {2}7b 22/)
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await row.getByRole('button', { name: 'Replay' }).click()
  await expect(page.getByText(/Decoded again|on its way/)).toBeVisible({ timeout: 30_000 })
})

test('an unclaimed device appears by itself and is claimed for a site', async ({ page }) => {
  const webhook = await makeWebhook(page, 'Sender of one device')
  await page.goto('/data?tab=unclaimed')
  const serial = `PAGE-${String(Date.now())}`
  const reading = {
    device: serial,
    ts: Date.now(),
    metrics: { ac_power_w: 4321, energy_total_wh: 1_000_000 },
    status: 'producing',
  }
  expect(await webhook.send(JSON.stringify(reading))).toBe(202)
  const row = page.getByRole('row', { name: new RegExp(serial) })
  await expect(row).toBeVisible({ timeout: 30_000 })
  await expect(row).toContainText('AC power 4.32 kW')
  await row.getByRole('button', { name: 'Claim device' }).click()
  const dialog = page.getByRole('dialog', { name: 'Claim device' })
  await dialog.getByRole('button', { name: 'Claim device' }).click()
  await expect(dialog).toBeVisible()
  await dialog.getByRole('button', { name: 'Show sites' }).click()
  await page.getByRole('listbox').getByRole('option').last().click()
  await dialog.getByRole('button', { name: 'Claim device' }).click()
  await expect(page.getByText(/is claimed\./)).toBeVisible()
  await expect(row).toHaveCount(0)
  await page.getByRole('link', { name: 'Open device' }).click()
  // What it sent before it was claimed is there: its history was replayed.
  await expect(page.getByText('4.32kW').or(page.getByText('4.32 kW')).first()).toBeVisible({ timeout: 30_000 })
})
