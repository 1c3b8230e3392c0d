import { expect, test, type Page } from '@playwright/test'
import { beforeNextChange, expectAxeClean, expectNoSidewaysScroll, PASSWORD, signIn } from './helpers.ts'

const EVIL = `<img src=x onerror="document.title='owned'"> "Ann" & Söhne`

async function makeCustomer(page: Page, name: string): Promise<{ id: string; version: number }> {
  return await page.evaluate(async (customerName) => {
    const response = await fetch('/api/v1/customers', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: customerName }),
    })
    return (await response.json()) as { id: string; version: number }
  }, name)
}

test.beforeEach(async ({ page }) => {
  await signIn(page, 'support')
})

test('a customer is added, edited in place by keyboard alone, and gets contacts', async ({ page }) => {
  await page.goto('/customers')
  await page.getByRole('button', { name: 'New customer' }).click()
  const dialog = page.getByRole('dialog', { name: 'New customer' })
  await dialog.getByLabel('Name').fill(EVIL)
  await dialog.getByLabel('Country').fill('de')
  await dialog.getByRole('button', { name: 'Add customer' }).click()
  await page.waitForURL(/\/customers\/.+/)
  // What somebody typed is text.
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(EVIL)
  await expect(page).toHaveTitle(/Söhne · Heliograph$/)

  await page.getByRole('button', { name: 'Edit email' }).focus()
  await page.keyboard.press('Enter')
  await page.keyboard.type('not an address')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: 'Edit email' })).toBeFocused()
  await page.keyboard.press('Enter')
  await page.keyboard.type('ann@sun.test')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('link', { name: 'ann@sun.test' })).toBeVisible()

  await page.getByRole('button', { name: 'Add', exact: true }).click()
  const contact = page.getByRole('dialog', { name: 'New contact' })
  await contact.getByLabel('Name').fill('Bert')
  await contact.getByLabel('Phone').fill('+49 761 1234')
  await contact.getByRole('button', { name: 'Add contact' }).click()
  await expect(page.getByText('+49 761 1234')).toBeVisible()
  await page.getByRole('button', { name: 'Remove Bert' }).click()
  await expect(page.getByText('+49 761 1234')).toHaveCount(0)
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(page.getByText('+49 761 1234')).toBeVisible()
  for (const width of [320, 768]) {
    await page.setViewportSize({ width, height: 800 })
    await expectNoSidewaysScroll(page)
    await expectAxeClean(page)
  }
})

test('a customer goes to another unit, by keyboard alone, and back', async ({ page }) => {
  const { id } = await makeCustomer(page, 'Moves on')
  await page.goto(`/customers/${id}`)
  const unit = page.locator('dl', { has: page.getByText('Unit', { exact: true }) }).locator('dd')
  const before = await unit.innerText()
  await page.getByRole('button', { name: 'Edit unit' }).focus()
  await page.keyboard.press('Enter')
  const choice = page.getByLabel('Unit', { exact: true })
  await expect(choice).toBeFocused()
  const names = (await choice.locator('option').allInnerTexts()).map((name) => name.trim())
  const next = names.find((name) => name !== before)!
  await choice.selectOption({ index: names.indexOf(next) })
  await page.getByRole('button', { name: 'Save', exact: true }).press('Enter')
  await expect(unit).toHaveText(next)
  await page.reload()
  await expect(unit).toHaveText(next)
})

test('two people change one customer: the second is asked, and nothing is overwritten meanwhile', async ({ page }) => {
  const { id, version } = await makeCustomer(page, 'Two at once')
  await page.goto(`/customers/${id}`)
  await page.getByRole('button', { name: 'Edit phone' }).click()
  await page.getByLabel('Phone').fill('0761 1')
  await page.evaluate(
    async ([customerId, etag]) => {
      await fetch(`/api/v1/customers/${customerId!}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json', 'if-match': etag! },
        body: JSON.stringify({ phone: '0999 9', notes: 'theirs' }),
      })
    },
    [id, `"v${String(version)}"`],
  )
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  const choice = page.getByRole('dialog', { name: /Somebody changed this customer/ })
  await expect(choice.getByText('0999 9')).toBeVisible()
  await expect(choice.getByText('0761 1')).toBeVisible()
  await expectAxeClean(page)
  await choice.getByRole('button', { name: 'Apply my change on top' }).click()
  await expect(page.getByRole('link', { name: '0761 1' })).toBeVisible()
  // What the other one wrote elsewhere stays.
  await expect(page.getByText('theirs')).toBeVisible()
})

test('Escape at the choice between two changes loses nothing that was typed', async ({ page }) => {
  const { id } = await makeCustomer(page, 'Escaped')
  await page.goto(`/customers/${id}`)
  await page.getByRole('button', { name: 'Edit notes' }).click()
  await page.getByLabel('Notes').fill('What took an hour to write')
  await beforeNextChange(page, `/customers/${id}`, { phone: '0999 9' })
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  const choice = page.getByRole('dialog', { name: /Somebody changed this customer/ })
  await expect(choice.getByRole('cell', { name: '0999 9' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(choice).toHaveCount(0)
  await expect(page.getByLabel('Notes')).toHaveValue('What took an hour to write')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Edit notes' })).toBeVisible()
  await page.reload()
  await expect(page.getByText('What took an hour to write')).toBeVisible()
  await expect(page.getByRole('link', { name: '0999 9' })).toBeVisible()
})

test('two people change one contact: fields that only the other one changed stay theirs', async ({ page }) => {
  const { id } = await makeCustomer(page, 'Two at one contact')
  const contact = await page.evaluate(async (customerId) => {
    const response = await fetch('/api/v1/contacts', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ customerId, name: 'Bert', email: 'bert@mail.test' }),
    })
    return ((await response.json()) as { id: string }).id
  }, id)
  await page.goto(`/customers/${id}`)
  await page.getByRole('button', { name: 'Edit Bert' }).click()
  const form = page.getByRole('dialog', { name: 'Bert' })
  await form.getByLabel('Position').fill('Roofer')
  await beforeNextChange(page, `/contacts/${contact}`, { email: 'new@mail.test' })
  await form.getByRole('button', { name: 'Save contact' }).click()
  const choice = page.getByRole('dialog', { name: /Somebody changed this contact/ })
  await choice.getByRole('button', { name: 'Go on editing' }).click()
  await expect(form.getByLabel('Position')).toHaveValue('Roofer')
  await expect(form.getByLabel('Email')).toHaveValue('new@mail.test')
  await form.getByRole('button', { name: 'Save contact' }).click()
  await expect(page.getByText('Roofer')).toBeVisible()
  await expect(page.getByRole('link', { name: 'new@mail.test' })).toBeVisible()
  // Who keeps theirs is not told that something was saved.
  await page.unrouteAll()
  await page.getByRole('button', { name: 'Edit Bert' }).click()
  await form.getByLabel('Position').fill('Painter')
  await beforeNextChange(page, `/contacts/${contact}`, { email: 'newest@mail.test' })
  await form.getByRole('button', { name: 'Save contact' }).click()
  await choice.getByRole('button', { name: 'Keep theirs' }).click()
  await expect(page.getByText('Bert is left as it was')).toBeVisible()
  await expect(page.getByRole('link', { name: 'newest@mail.test' })).toBeVisible()
  await expect(page.getByText('Painter')).toHaveCount(0)
})

test('a session that ends in the middle of an edit loses nothing that was typed', async ({ page, context }) => {
  const { id } = await makeCustomer(page, 'Long notes')
  await page.goto(`/customers/${id}`)
  await page.getByRole('button', { name: 'Edit notes' }).click()
  await page.getByLabel('Notes').fill('What took an hour to write')
  await context.clearCookies()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('button', { name: 'Edit notes' })).toBeVisible()
  await page.reload()
  await expect(page.getByText('What took an hour to write')).toBeVisible()
})
