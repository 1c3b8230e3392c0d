import { expect, test, type Page } from '@playwright/test'
import { beforeNextChange, expectAxeClean, expectNoSidewaysScroll, signIn } from './helpers.ts'

test.beforeEach(async ({ page }) => {
  await signIn(page, 'support')
})

async function openTicket(page: Page, subject: string): Promise<string> {
  await page.goto('/tickets')
  await page.getByRole('button', { name: 'New ticket' }).first().click()
  await page.getByLabel('Subject', { exact: true }).fill(subject)
  await page.getByRole('button', { name: 'Open ticket' }).click()
  await page.waitForURL(/\/tickets\/.+/)
  return new URL(page.url()).pathname.split('/').at(-1) ?? ''
}

test('a ticket is opened, discussed and moved on', async ({ page }) => {
  const text = '<img src=x onerror="document.title=1">'
  await openTicket(page, `Question ${text}`)
  await expect(page.getByRole('heading', { level: 1 })).toContainText(text)
  await page.getByLabel('Comment').fill(`Seen. ${text}`)
  await page.getByRole('button', { name: 'Add comment' }).click()
  await expect(page.getByText(`Seen. ${text}`)).toBeVisible()
  await expect(page.getByLabel('Comment')).toHaveValue('')
  await page.getByLabel('Status').selectOption('pending')
  await expect(page.getByText('Saved')).toBeVisible()
  await page.reload()
  await expect(page.getByLabel('Status')).toHaveValue('pending')
})

test('a change that meets another one is a choice', async ({ page }) => {
  const id = await openTicket(page, 'Two at once')
  await expect(page.getByLabel('Status')).toHaveValue('new')
  await beforeNextChange(page, `/tickets/${id}`, { priority: 'urgent' })
  await page.getByLabel('Status').selectOption('open')
  const dialog = page.getByRole('dialog', { name: /Somebody changed this ticket/ })
  await expect(dialog.getByRole('row', { name: /Priority/ })).toContainText('urgent')
  await expectAxeClean(page)
  // Nothing was typed, so there is no form to go back to: the choice stays until it is made.
  await page.keyboard.press('Escape')
  await dialog.getByRole('button', { name: 'Apply my change on top' }).click()
  await expect(page.getByText('Saved').first()).toBeVisible()
  await page.reload()
  await expect(page.getByLabel('Status')).toHaveValue('open')
  await expect(page.getByLabel('Priority')).toHaveValue('urgent')
})

test('a new name for a ticket that somebody else changed is not lost with its dialog', async ({ page }) => {
  const id = await openTicket(page, 'Named twice')
  await page.getByRole('button', { name: 'Edit subject' }).click()
  const form = page.getByRole('dialog', { name: 'Edit subject' })
  await form.getByLabel('Subject').fill('The name I want')
  await beforeNextChange(page, `/tickets/${id}`, { subject: 'The name of somebody else' })
  await form.getByRole('button', { name: 'Save subject' }).click()
  const choice = page.getByRole('dialog', { name: /Somebody changed this ticket/ })
  await expect(choice.getByRole('row', { name: /Subject/ })).toContainText('The name of somebody else')
  await page.keyboard.press('Escape')
  await expect(choice).toHaveCount(0)
  await expect(form.getByLabel('Subject')).toHaveValue('The name I want')
  await form.getByRole('button', { name: 'Save subject' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The name I want')
  await expect(form).toHaveCount(0)
})

test('on the board a ticket is moved by keys, by its status and by the mouse', async ({ page }) => {
  await openTicket(page, 'Board walk')
  await page.goto('/tickets')
  await page.getByRole('button', { name: 'Board' }).click()
  await expect(page).toHaveURL(/view=board/)
  const column = (name: string) => page.getByRole('region', { name, exact: true })
  const card = (name: string) => column(name).getByRole('link', { name: 'Board walk' })
  await card('New').focus()
  await page.keyboard.press(']')
  await expect(card('Open')).toBeFocused()
  await expect(page.getByText(/is open/)).toBeVisible()
  await page.keyboard.press('[')
  await expect(card('New')).toBeFocused()
  await column('New').locator('li', { hasText: 'Board walk' }).getByRole('combobox').selectOption('pending')
  await expect(card('Pending')).toBeVisible()
  await card('Pending').dragTo(column('Scheduled'))
  await expect(card('Scheduled')).toBeVisible()
  await expect(page.getByText(/is scheduled/)).toBeVisible()
  await Promise.all([
    page.waitForResponse((answer) => answer.request().method() === 'PATCH' && answer.ok()),
    page.getByRole('button', { name: 'Undo' }).last().click(),
  ])
  await expect(card('Pending')).toBeVisible()
  // A filter narrows it as it does the list, and the address brings it back.
  await page.getByLabel('Filter by subject').fill('walk')
  await expect(page).toHaveURL(/q=walk/)
  await page.reload()
  await expect(card('Pending')).toBeVisible()
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    for (const width of [320, 1440]) {
      await page.setViewportSize({ width, height: 900 })
      await expectNoSidewaysScroll(page)
      await expectAxeClean(page)
    }
  }
})

test('an alarm is acknowledged and muted with a reason', async ({ page }) => {
  await page.goto('/alarms')
  const list = page.getByRole('table', { name: 'Alarms' })
  // The demo has an inverter with a fault.
  await expect(list).toBeVisible()
  const acknowledge = page.getByRole('button', { name: 'Acknowledge' }).first()
  if (await acknowledge.isVisible()) {
    await acknowledge.click()
    await expect(list.getByText('Acknowledged').first()).toBeVisible()
  }
  const mute = page.getByRole('button', { name: 'Mute', exact: true }).first()
  if (await mute.isVisible()) {
    await mute.click()
    const dialog = page.getByRole('dialog', { name: 'Mute alarm' })
    await dialog.getByLabel('Reason').fill('The installer is on site')
    await dialog.getByRole('button', { name: 'Mute alarm' }).click()
    await expect(dialog).toHaveCount(0)
    await expect(list.getByText('Muted').first()).toBeVisible()
  }
})
