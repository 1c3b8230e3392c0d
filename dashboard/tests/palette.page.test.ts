import { expect, test, type Page } from '@playwright/test'
import { expectAxeClean, firstOf, signIn, watchConsole } from './helpers.ts'

const palette = (page: Page) => page.getByRole('dialog', { name: 'Search and commands' })
const input = (page: Page) => palette(page).getByRole('combobox')

test('a site is found by name and a device by serial, with the keyboard alone, and both are remembered', async ({
  page,
}) => {
  const found = watchConsole(page)
  await signIn(page, 'support')
  const site = await firstOf(page, '/sites?limit=1')
  const device = await firstOf(page, '/devices?limit=1')
  await page.keyboard.press('Control+k')
  await expect(input(page)).toBeFocused()
  await input(page).fill(String(site['name']))
  await expect(
    palette(page)
      .getByRole('option', { name: String(site['name']) })
      .first(),
  ).toBeVisible()
  await expect(palette(page).getByRole('option').first()).toHaveAttribute('aria-selected', 'true')
  await expect(palette(page).getByRole('group', { name: 'Sites' })).toBeVisible()
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/(sites|customers)\//)
  await page.keyboard.press('Control+k')
  await input(page).fill(String(device['serial']))
  await expect(palette(page).getByRole('group', { name: 'Devices' }).getByRole('option')).toHaveCount(1)
  await expectAxeClean(page)
  await page.keyboard.press('Enter')
  await page.waitForURL(`/devices/${device.id}`)
  await page.keyboard.press('Control+k')
  await expect(palette(page).getByRole('group', { name: 'Recent' }).getByRole('option')).toHaveCount(2)
  await page.keyboard.press('Escape')
  await expect(palette(page)).toHaveCount(0)
  expect(found).toEqual([])
})

test('commands of the frame and of the open page', async ({ page }) => {
  await signIn(page, 'support')
  await page.getByRole('button', { name: 'Search and commands' }).click()
  await input(page).fill('dark theme')
  await page.keyboard.press('Enter')
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  await page.keyboard.press('Control+k')
  await input(page).fill('group by status')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/group=status/)
  await page.keyboard.press('Control+k')
  await input(page).fill('new ticket')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog', { name: 'New ticket' })).toBeVisible()
  await expect(page).toHaveURL('/tickets')
})

test('nothing found is said, and markup stays text', async ({ page }) => {
  await signIn(page, 'support')
  await page.keyboard.press('Control+k')
  await input(page).fill('<img src=x onerror=alert(1)>')
  await expect(palette(page).getByText('Nothing is called “<img src=x onerror=alert(1)>”')).toBeVisible()
  await expect(palette(page).locator('img')).toHaveCount(0)
})

test('a customer finds its own and no pages of the staff', async ({ page }) => {
  await signIn(page, 'customer')
  await page.keyboard.press('Control+k')
  await input(page).fill('a')
  await expect(palette(page).getByRole('option').first()).toBeVisible()
  await expect(palette(page).getByRole('group', { name: 'Customers' })).toHaveCount(0)
  await expect(palette(page).getByRole('option', { name: 'Fleet' })).toHaveCount(0)
  await page.keyboard.press('Escape')
  for (const path of ['/fleet', '/map', '/alarms', '/data', '/customers']) {
    await page.goto(path)
    await expect(page.getByRole('navigation', { name: 'Main' }).first()).toBeVisible()
    await expect(page.getByText('Your role does not open the')).toBeVisible()
  }
})

test('rows are denser and numbers told another way, and stay so', async ({ page }) => {
  await signIn(page, 'support')
  const row = page.locator('[data-row="0"]')
  await expect(row).toBeVisible()
  const tall = (await row.boundingBox())!.height
  await page.getByRole('button', { name: /Your menu/ }).click()
  await page.getByRole('menuitemradio', { name: 'Compact rows' }).click()
  await expect.poll(async () => (await row.boundingBox())!.height).toBeLessThan(tall)
  await page.keyboard.press('Control+k')
  await input(page).fill('German (Germany)')
  await page.keyboard.press('Enter')
  await expect(page.locator('main')).toContainText(/\d,\d/)
  await page.reload()
  await expect(row).toBeVisible()
  expect((await row.boundingBox())!.height).toBeLessThan(tall)
  await expect(page.locator('main')).toContainText(/\d,\d/)
})
