import { expect, test } from '@playwright/test'
import { beforeNextChange, expectAxeClean, expectNoSidewaysScroll, firstOf, signIn } from './helpers.ts'

test('a contract is added, edited in place and behind the next ticket’s due date', async ({ page }) => {
  await signIn(page, 'support')
  const site = await firstOf(page, '/sites?q=Petersen')
  await page.goto(`/sites/${site.id}`)
  await page.getByRole('heading', { name: 'Contract', exact: true }).scrollIntoViewIfNeeded()
  await expect(page.getByText('In force')).toBeVisible()
  await expect(page.getByText('0.1480 EUR per kWh')).toBeVisible()

  await page.goto(`/customers/${String(site['customerId'])}`)
  await page.getByRole('button', { name: 'Add contract' }).focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'New contract' })
  await dialog.getByLabel('Name').fill('<b>Fast</b> care')
  await dialog.getByLabel('Solution within, h').fill('3')
  await dialog.getByLabel('Worth of a kWh').fill('0,25')
  await dialog.getByLabel('Currency').fill('EUR')
  await expectAxeClean(page)
  await dialog.getByRole('button', { name: 'Add contract' }).click()
  await expect(page.getByRole('heading', { name: '<b>Fast</b> care' })).toBeVisible()
  await expect(page.getByText('0.25 EUR per kWh')).toBeVisible()

  await page.getByRole('button', { name: 'Edit <b>Fast</b> care' }).click()
  await page.getByLabel('Solution within, h').fill('5')
  await page.keyboard.press('Enter')
  await expect(page.getByText('within 5 h')).toBeVisible()
  await page.getByRole('button', { name: 'Change the sites of <b>Fast</b> care' }).click()
  const sites = page.getByRole('dialog', { name: /Sites of/ })
  await sites.getByLabel(/Every site/).uncheck()
  await sites.getByLabel('Petersen').check()
  await expectAxeClean(page)
  const { id: contract } = (await firstOf(page, `/contracts?customerId=${String(site['customerId'])}&q=Fast`)) as {
    id: string
  }
  await beforeNextChange(page, `/contracts/${contract}`, { number: 'THEIRS-1' })
  await sites.getByRole('button', { name: 'Save sites' }).click()
  const choice = page.getByRole('dialog', { name: /Somebody changed this contract/ })
  await expect(choice.getByRole('row', { name: /Number/ })).toContainText('THEIRS-1')
  await choice.getByRole('button', { name: 'Go on editing' }).click()
  await expect(sites.getByLabel('Petersen')).toBeChecked()
  await sites.getByRole('button', { name: 'Save sites' }).click()
  await expect(page.getByText('Petersen, Altona', { exact: true }).last()).toBeVisible()

  const ticket = await page.evaluate(async (siteId) => {
    const response = await fetch('/api/v1/tickets', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ subject: 'Under contract', siteId }),
    })
    return (await response.json()) as { id: string }
  }, site.id)
  await page.goto(`/tickets/${ticket.id}`)
  await expect(page.getByText(/Solution in 4 h|Solution in 5 h/)).toBeVisible()
  await page.getByRole('button', { name: 'Edit loss, kWh' }).click()
  await page.getByLabel('Loss, kWh').fill('100')
  await page.keyboard.press('Enter')
  await expect(page.getByText(/100 kWh, €25\.00/)).toBeVisible()

  await page.goto(`/customers/${String(site['customerId'])}`)
  await page.getByRole('button', { name: 'Remove <b>Fast</b> care' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove contract' }).click()
  await expect(page.getByText(/Tickets were opened under this contract/)).toBeVisible()
  await page.keyboard.press('Escape')
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    for (const width of [320, 1440]) {
      await page.setViewportSize({ width, height: 900 })
      await expectNoSidewaysScroll(page)
      await expectAxeClean(page)
    }
  }
})

test('who may not see customers sees no contract', async ({ page }) => {
  await signIn(page, 'customer')
  expect(await page.evaluate(async () => (await fetch('/api/v1/contracts')).status)).toBe(403)
})

test('an analyst reads contracts and changes none', async ({ page }) => {
  await signIn(page, 'analyst')
  const site = await firstOf(page, '/sites?q=Petersen')
  await page.goto(`/customers/${String(site['customerId'])}`)
  await expect(page.getByText('0.1480 EUR per kWh')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Add contract' })).toHaveCount(0)
})
