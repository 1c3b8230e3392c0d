import { expect, test } from '@playwright/test'
import { goByKeys, signIn } from './helpers.ts'

test.beforeEach(async ({ page }) => {
  await signIn(page, 'support')
  await expect(page.locator('[data-row="0"]')).toBeVisible()
})

test('the list is live and says so', async ({ page }) => {
  await expect(page.locator('[data-live="connected"]')).toBeVisible()
  await expect(page.getByRole('table', { name: 'Sites' })).toHaveAttribute('aria-rowcount', /^\d+$/)
})

test('filters and order live in the address', async ({ page }) => {
  const name = (await page.locator('[data-row="0"] [data-main]').innerText()).trim()
  await page.getByRole('searchbox').fill(name)
  await expect(page).toHaveURL(/[?&]q=/)
  await expect(page.locator('[data-row]')).toHaveCount(1)
  await page.reload()
  await expect(page.getByRole('searchbox')).toHaveValue(name)
  await expect(page.locator('[data-row="0"] [data-main]')).toHaveText(name)
  await page.getByRole('searchbox').fill('no site is called like this')
  await expect(page.getByText('No site matches')).toBeVisible()
  await page.getByRole('button', { name: 'Clear the filter' }).click()
  await expect(page.locator('[data-row="1"]')).toBeVisible()
  await page.getByRole('button', { name: 'Site', exact: true }).click()
  await expect(page).toHaveURL(/sort=name/)
  await expect(page.getByRole('columnheader', { name: 'Site' })).toHaveAttribute('aria-sort', 'ascending')
  const chip = page.getByRole('group', { name: 'Filter by status' }).getByRole('button').first()
  await chip.click()
  await expect(page).toHaveURL(/status=/)
  await page.goBack()
  await expect(page).not.toHaveURL(/status=/)
})

test('the keyboard does all of it', async ({ page }) => {
  await page.keyboard.press('j')
  await expect(page.locator('[data-row="0"] [data-main]')).toBeFocused()
  await page.keyboard.press('j')
  await expect(page.locator('[data-row="1"] [data-main]')).toBeFocused()
  await page.keyboard.press('k')
  await expect(page.locator('[data-row="0"] [data-main]')).toBeFocused()
  await page.keyboard.press('/')
  await expect(page.getByRole('searchbox')).toBeFocused()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/sites\//)
  await goByKeys(page, 't', '/tickets')
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await goByKeys(page, 'f', '/fleet')
})

test('a site that somebody makes, renames and removes is there, named and gone without a reload', async ({ page }) => {
  const ask = (method: string, path: string, body?: object) =>
    page.evaluate(
      async ([how, address, sent]) => {
        const answer = await fetch(`/api/v1${address!}`, {
          method: how!,
          ...(sent === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: sent }),
        })
        return (answer.status === 204 ? {} : await answer.json()) as { id: string }
      },
      [method, path, body && JSON.stringify(body)],
    )
  // Told by the socket alone: the list is not asked for again.
  const lists: string[] = []
  page.on('request', (request) => {
    if (/\/api\/v1\/sites\?/.test(request.url())) lists.push(request.url())
  })
  const name = `Made meanwhile ${String(Date.now())}`
  const customer = await ask('POST', '/customers', { name: `Customer of ${name}` })
  const site = await ask('POST', '/sites', { name, customerId: customer.id, timezone: 'Europe/Berlin' })
  await page.getByRole('searchbox').fill(name)
  const row = page.locator('[data-row="0"]')
  await expect(page.locator('[data-row]')).toHaveCount(1)
  await expect(row).toContainText(`Customer of ${name}`)
  await ask('PATCH', `/sites/${site.id}`, { name: `${name} renamed` })
  await expect(row.locator('[data-main]')).toHaveText(`${name} renamed`)
  await ask('DELETE', `/sites/${site.id}`)
  await expect(page.getByText('No site matches')).toBeVisible()
  await ask('DELETE', `/customers/${customer.id}`)
  expect(lists).toEqual([])
})

test('rows do not move under the pointer', async ({ page }) => {
  await page.goto('/fleet?sort=-power')
  await expect(page.locator('[data-row="0"]')).toBeVisible()
  await page.locator('[data-row="0"]').hover()
  const names = () => page.locator('[data-row] [data-main]').allInnerTexts()
  const before = await names()
  for (let look = 0; look < 6; look++) {
    await page.waitForTimeout(500)
    // Rows beyond the window's edge may still come; those that were there stay where they are.
    expect((await names()).slice(0, before.length)).toEqual(before)
  }
})

test('a lost line is told, and found again', async ({ page }) => {
  let down = false
  let cut: (() => Promise<void>) | undefined
  await page.routeWebSocket('**/api/v1/live', (socket) => {
    if (down) {
      void socket.close({ code: 1013 })
      return
    }
    socket.connectToServer()
    cut = () => socket.close({ code: 1012 })
  })
  await page.reload()
  await expect(page.locator('[data-live="connected"]')).toBeVisible()
  const name = (await page.locator('[data-row="0"] [data-main]').innerText()).trim()
  down = true
  await cut?.()
  await expect(page.locator('[data-live="reconnecting"]')).toBeVisible()
  await expect(page.getByText('No live connection since')).toBeVisible()
  // The page stays as it was.
  await expect(page.locator('[data-row="0"] [data-main]')).toHaveText(name)
  down = false
  await page.getByRole('button', { name: 'Try now' }).click()
  await expect(page.locator('[data-live="connected"]')).toBeVisible()
  await expect(page.getByText('No live connection since')).toHaveCount(0)
})
