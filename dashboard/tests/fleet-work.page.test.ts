import { expect, test } from '@playwright/test'
import { readFile } from 'node:fs/promises'
import { expectAxeClean, signIn } from './helpers.ts'

test.beforeEach(async ({ page }) => {
  await signIn(page, 'support')
  await expect(page.locator('[data-row="0"]')).toBeVisible()
})

test('sites are picked, tagged, filtered by the tag, and the tag is taken back', async ({ page }) => {
  const tag = `=now ${String(Date.now())}`
  await page.keyboard.press('j')
  await page.keyboard.press('x')
  await page.keyboard.press('j')
  await page.keyboard.press('x')
  const bar = page.getByRole('toolbar', { name: 'Selected sites' })
  await expect(bar).toContainText('2 sites selected')
  await bar.getByRole('button', { name: 'Tag' }).click()
  const dialog = page.getByRole('dialog', { name: 'Tags' })
  await dialog.getByLabel('Add a tag').fill(tag)
  await dialog.getByLabel('Add a tag').press('Enter')
  await expect(dialog.getByRole('button', { name: `Remove the tag ${tag}` })).toBeVisible()
  await expectAxeClean(page)
  await dialog.getByRole('button', { name: 'Done' }).click()
  await page.getByRole('button', { name: 'Filter', exact: true }).click()
  await page.getByRole('combobox', { name: 'Tag' }).selectOption(tag)
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/tag=/)
  await expect(page.locator('[data-row]')).toHaveCount(2)

  // What a spreadsheet would run as a formula stays text.
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export these rows as CSV' }).click()
  const text = await readFile(await (await download).path(), 'utf8')
  expect(text.replace('\ufeff', '').split('\r\n')[0]).toContain('Site,Status,Power now (W)')
  expect(text).not.toMatch(/(^|,)"?=/m)
  expect(text).toContain(tag)
  expect(text.trim().split('\r\n')).toHaveLength(3)

  await page.goto('/fleet')
  await expect(page.locator('[data-row="0"]')).toBeVisible()
  await page.getByRole('searchbox').fill(tag)
  await expect(page.locator('[data-row]')).toHaveCount(2)
  await page.getByLabel('Select all rows').check()
  await page.getByRole('toolbar').getByRole('button', { name: 'Tag' }).click()
  await page.getByRole('button', { name: `Remove the tag ${tag}` }).click()
  await expect(page.getByText(`Removed “${tag}” from 2 sites`)).toBeVisible()
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click()
  await expect(page.getByText('No site matches')).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).last().click()
  await expect(page.locator('[data-row]')).toHaveCount(2)
})

test('a view is saved, found again and removed, with a way back', async ({ page }) => {
  const name = `Night shift ${String(Date.now())}`
  // Left over from an earlier look at the same view.
  await page.evaluate(async () => {
    const { items } = (await (await fetch('/api/v1/saved-views')).json()) as { items: { id: string }[] }
    for (const { id } of items) await fetch(`/api/v1/saved-views/${id}`, { method: 'DELETE' })
  })
  await page.goto('/fleet?sort=-power&group=status&cols=status,power')
  await expect(page.locator('[data-row="0"]')).toBeVisible()
  await page.getByRole('button', { name: 'Views', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Save this view' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill(name)
  await page.getByRole('dialog').getByRole('button', { name: 'Save view' }).click()
  await expect(page.getByRole('button', { name, exact: true })).toBeVisible()
  await page.goto('/fleet')
  await expect(page.locator('[data-row="0"]')).toBeVisible()
  await page.getByRole('button', { name: 'Views', exact: true }).click()
  await page.getByRole('menuitem', { name }).click()
  await expect(page).toHaveURL(/sort=-power&group=status&cols=status/)
  await expect(page.getByRole('columnheader', { name: 'Customer' })).toHaveCount(0)
  await page.getByRole('button', { name, exact: true }).click()
  await page.getByRole('menuitem', { name: `Remove “${name}”` }).click()
  await expect(page.getByText(`View “${name}” removed`)).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(page.getByRole('button', { name, exact: true })).toBeVisible()
})

test('groups, cards and columns', async ({ page }) => {
  await page.getByRole('button', { name: 'Look', exact: true }).click()
  await page.getByLabel('Group by').selectOption('customer')
  await page.getByLabel('Tags', { exact: true }).uncheck()
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/group=customer/)
  await expect(page.getByRole('columnheader', { name: 'Tags' })).toHaveCount(0)
  await page.getByRole('button', { name: 'Look', exact: true }).click()
  await page.getByLabel('Cards', { exact: true }).check()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('list', { name: 'Sites' })).toBeVisible()
  await page.keyboard.press('j')
  await expect(page.locator('[data-row="0"] [data-main]')).toBeFocused()
  await page.keyboard.press('ArrowRight')
  await expect(page.locator('[data-row="1"] [data-main]')).toBeFocused()
  await expectAxeClean(page)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/sites\//)
})

test('alarms: one row for a cause, acknowledged with `a` and taken back', async ({ page }) => {
  await page.goto('/alarms')
  const row = page.locator('[data-row="0"]')
  await expect(row).toBeVisible()
  const customers = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/customers?limit=500')
    return ((await answer.json()) as { items: { name: string }[] }).items.map(({ name }) => name)
  })
  // Whose system it is stands below the site.
  const table = page.getByRole('table', { name: 'Alarms' })
  await expect
    .poll(async () => {
      const text = (await table.textContent()) ?? ''
      return customers.some((name) => text.includes(name))
    })
    .toBe(true)
  // What it costs stands in every row: a number of watt hours, or that it is not measured. Never an empty cell.
  await expect(table.getByRole('columnheader', { name: 'Lost today' })).toBeVisible()
  const places = await table.getByRole('columnheader').allTextContents()
  const loss = places.findIndex((text) => text.trim() === 'Lost today')
  await expect
    .poll(async () => {
      const told = await Promise.all(
        (await table.locator('[data-row]').all()).map((each) => each.getByRole('cell').nth(loss).textContent()),
      )
      return told.length > 0 && told.every((text) => /not measured|\d\s*[kM]?Wh/.test(text ?? ''))
    })
    .toBe(true)
  // What an earlier look may have acknowledged is new again.
  await page.evaluate(async () => {
    const answer = await fetch('/api/v1/alarms?open=true&limit=500')
    const { items } = (await answer.json()) as { items: { id: string }[] }
    for (const { id } of items) {
      await fetch(`/api/v1/alarms/${id}/acknowledge`, { method: 'DELETE' })
      await fetch(`/api/v1/alarms/${id}/mute`, { method: 'DELETE' })
    }
  })
  await page.reload()
  await expect(row.getByText('New', { exact: true })).toBeVisible()
  await page.keyboard.press('j')
  await page.keyboard.press('a')
  await expect(row.getByText('Acknowledged', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(row.getByText('New', { exact: true })).toBeVisible()
  await page.getByRole('link', { name: 'History' }).click()
  await expect(page).toHaveURL(/tab=history/)
  await page.getByRole('link', { name: /Triage/ }).click()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toContainText('Mute the row')
})

test('alarms of a site are muted with a reason from the list, by keyboard alone, and that is taken back', async ({
  page,
}) => {
  const alarmsAt = async (siteId: string) =>
    await page.evaluate(async (id) => {
      const answer = await fetch(`/api/v1/alarms?open=true&historic=false&siteId=${id}`)
      return (await answer.json()) as { items: { id: string; mutedUntil: string | null; muteReason: string | null }[] }
    }, siteId)
  const site = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/alarms?open=true&historic=false&limit=1')
    const { items } = (await answer.json()) as { items: { siteId: string }[] }
    return (await (await fetch(`/api/v1/sites/${items[0]!.siteId}`)).json()) as { id: string; name: string }
  })
  for (const { id } of (await alarmsAt(site.id)).items)
    await page.evaluate((alarm) => fetch(`/api/v1/alarms/${alarm}/mute`, { method: 'DELETE' }), id)

  await page.goto(`/fleet?q=${encodeURIComponent(site.name)}`)
  await expect(page.locator('[data-row="0"]')).toContainText(site.name)
  await page.keyboard.press('j')
  await page.keyboard.press('m')
  const dialog = page.getByRole('dialog', { name: /^Mute/ })
  await dialog.getByLabel('Reason').fill('Module washing until tonight')
  await expectAxeClean(page)
  await dialog.getByLabel('Reason').press('Enter')
  await expect(page.getByText(/alarms? muted$/)).toBeVisible()
  expect((await alarmsAt(site.id)).items.map(({ muteReason }) => muteReason)).toContain('Module washing until tonight')
  await page.getByRole('button', { name: 'Undo' }).last().click()
  await expect
    .poll(async () => (await alarmsAt(site.id)).items.every(({ mutedUntil }) => mutedUntil === null))
    .toBe(true)

  // Where nothing is wrong there is nothing to mute, and that is said.
  await page.goto('/fleet?status=idle')
  await expect(page.locator('[data-row="0"]')).toBeVisible()
  await page.getByLabel('Select all rows').check()
  await expect(page.getByRole('toolbar', { name: 'Selected sites' })).toContainText('Mute alarms')
})
