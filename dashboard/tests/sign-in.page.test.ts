import { expect, test } from '@playwright/test'
import { expectAxeClean, expectNoSidewaysScroll, PASSWORD, signIn, watchConsole } from './helpers.ts'

test('a wrong password is told, the right one leads to the page asked for', async ({ page }) => {
  await page.goto('/alarms?severity=critical')
  await page.waitForURL(/\/sign-in\?next=/)
  await page.getByLabel('Email').fill('support@demo.test')
  await page.getByLabel('Password').fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toContainText(/wrong/i)
  await expect(page.getByLabel('Email')).toHaveValue('support@demo.test')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByLabel('Password').press('Enter')
  await page.waitForURL('/alarms?severity=critical')
  await expect(page.getByRole('heading', { level: 1, name: 'Alarms' })).toBeVisible()
})

test('a link cannot send a person elsewhere after signing in', async ({ page }) => {
  await page.goto('/sign-in?next=//elsewhere.test/')
  await page.getByLabel('Email').fill('support@demo.test')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('/fleet')
})

test('asking for a new password says the same whoever asks', async ({ page }) => {
  await page.goto('/sign-in')
  await page.getByRole('link', { name: /Forgot/ }).click()
  await page.waitForURL('/reset')
  await page.getByLabel('Email').fill('nobody@nowhere.test')
  await page.getByRole('button', { name: 'Send the link' }).click()
  await expect(page.getByRole('status')).toContainText('If this address belongs to an account')
})

test('everybody has a home: customers their own systems, staff the fleet', async ({ page }) => {
  await signIn(page, 'customer')
  await expect(page).toHaveURL('/portal')
  const rail = page.getByRole('navigation', { name: 'Main' }).first()
  await expect(rail.getByRole('link', { name: 'My systems' })).toBeVisible()
  await expect(rail.getByRole('link', { name: 'Data desk' })).toHaveCount(0)
  await page.goto('/data')
  await expect(page.getByText('Your role does not open the data desk')).toBeVisible()
})

test('an ended session asks in place: nothing typed is lost', async ({ page, context }) => {
  await signIn(page, 'support')
  await page.goto('/tickets')
  await page.getByRole('button', { name: 'New ticket' }).first().click()
  await page.getByLabel('Subject', { exact: true }).fill('Typed with great care')
  await context.clearCookies()
  await page.getByRole('button', { name: 'Open ticket' }).click()
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' })
  await expect(dialog).toBeVisible()
  await expect(dialog.getByLabel('Email')).toHaveValue('support@demo.test')
  await dialog.getByLabel('Password').fill(PASSWORD)
  await dialog.getByRole('button', { name: 'Sign in' }).click()
  // The very request that met the ended session is sent again.
  await expect(page.getByRole('heading', { level: 1, name: 'Typed with great care' })).toBeVisible()
})

test('signing out ends the session', async ({ page }) => {
  await signIn(page, 'support')
  await page.getByRole('button', { name: /Your menu/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.waitForURL(/\/sign-in/)
  await page.goto('/fleet')
  await page.waitForURL(/\/sign-in\?next=/)
})

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [320, 1440]) {
    test(`sign-in is sound at ${String(width)} px, ${colorScheme}`, async ({ page }) => {
      const found = watchConsole(page)
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 700 })
      await page.goto('/sign-in')
      await expectNoSidewaysScroll(page)
      await expectAxeClean(page)
      expect(found).toEqual([])
    })
  }
}
