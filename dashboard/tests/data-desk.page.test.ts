import { expect, test } from '@playwright/test'
import { signIn } from './helpers.ts'

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

test('a dead letter shows its bytes as text and as hex', async ({ page }) => {
  await page.getByRole('link', { name: 'Dead letters' }).click()
  const view = page.getByRole('button', { name: 'View' }).first()
  await Promise.race([view.waitFor(), page.getByText('No dead letters').waitFor()])
  test.skip(!(await view.isVisible()), 'no dead letter is in this demo')
  await view.click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Hex' }).click()
  await expect(dialog.locator('pre')).toContainText(/^000000 {2}/)
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
})

test('an unclaimed device is claimed for a site', async ({ page }) => {
  await page.getByRole('link', { name: 'Unclaimed' }).click()
  const claim = page.getByRole('button', { name: 'Claim device' }).first()
  await Promise.race([claim.waitFor(), page.getByText('Nothing waits to be claimed').waitFor()])
  test.skip(!(await claim.isVisible()), 'nothing is unclaimed in this demo')
  await claim.click()
  const dialog = page.getByRole('dialog', { name: 'Claim device' })
  await dialog.getByRole('button', { name: 'Show sites' }).click()
  await page.getByRole('listbox').getByRole('option').last().click()
  await dialog.getByRole('button', { name: 'Claim device' }).click()
  await expect(page.getByText(/is claimed\./)).toBeVisible()
  await page.getByRole('link', { name: 'Open device' }).click()
  await expect(page.getByRole('heading', { name: 'Latest values' })).toBeVisible()
})
