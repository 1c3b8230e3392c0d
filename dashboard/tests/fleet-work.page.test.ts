import { expect, test, type Page } from '@playwright/test'
import { readFile } from 'node:fs/promises'
import { claimHeard, expectAxeClean, expectNoSidewaysScroll, firstOf, makeWebhook, signIn } from './helpers.ts'

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

/** Nobody has seen any of it yet. */
async function allNew(page: Page): Promise<{ id: string; siteId: string }[]> {
  return await page.evaluate(async () => {
    const answer = await fetch('/api/v1/alarms?open=true&historic=false&limit=500')
    const { items } = (await answer.json()) as { items: { id: string; siteId: string }[] }
    for (const { id } of items) {
      await fetch(`/api/v1/alarms/${id}/acknowledge`, { method: 'DELETE' })
      await fetch(`/api/v1/alarms/${id}/mute`, { method: 'DELETE' })
    }
    return items
  })
}
const openAlarms = (page: Page) =>
  page.evaluate(async () => {
    const answer = await fetch('/api/v1/alarms?open=true&historic=false&limit=500')
    return (
      (await answer.json()) as {
        items: { id: string; siteId: string; acknowledgedAt: string | null; mutedUntil: string | null }[]
      }
    ).items
  })

test('on a phone sites are sorted, picked, and their alarms acknowledged', async ({ page }) => {
  const [first] = await allNew(page)
  const site = await page.evaluate(
    async (id) => (await (await fetch(`/api/v1/sites/${id}`)).json()) as { name: string },
    first!.siteId,
  )
  await page.setViewportSize({ width: 320, height: 700 })
  for (const look of ['', '&view=cards&group=customer']) {
    await page.goto(`/fleet?q=${encodeURIComponent(site.name)}${look}`)
    const box = page.getByLabel(`Select ${site.name}`, { exact: true })
    await box.check()
    await expect(page).toHaveURL(/\/fleet/)
    const bar = page.getByRole('toolbar', { name: 'Selected sites' })
    await expect(bar).toContainText('1 site selected')
    await expectNoSidewaysScroll(page)
    await expectAxeClean(page)
    await bar.getByRole('button', { name: 'Acknowledge alarms' }).click()
    await expect(page.getByText(/alarms? acknowledged$/).last()).toBeVisible()
    await page.getByRole('button', { name: 'Undo' }).last().click()
    await expect.poll(async () => (await openAlarms(page)).every((one) => one.acknowledgedAt === null)).toBe(true)
  }
  // Groups have their headings among cards too, and what has no column titles is sorted by a list.
  await page.goto('/fleet?view=cards&group=status')
  const list = page.getByRole('list', { name: 'Sites' })
  await expect(list.getByRole('listitem').first()).toContainText(/\d+ sites?/)
  await page.getByRole('button', { name: 'Look' }).click()
  await page.getByLabel('Sort by').selectOption('customer')
  await expect(page).toHaveURL(/sort=customer/)
  await page.goto('/fleet')
  await page.getByLabel('Sort by').selectOption('name')
  await expect(page).toHaveURL(/sort=name/)
  await expect(page.getByRole('button', { name: 'Smallest first: turn around' })).toBeVisible()
  const names = await page.locator('[data-main]').allTextContents()
  expect(names.slice(0, 4)).toEqual(names.slice(0, 4).toSorted(new Intl.Collator('en', { numeric: true }).compare))
})

/** Two sites of the test's own, each with a fault of its own: two causes, by day and by night. */
async function twoFaults(
  page: Page,
  name: string,
): Promise<{ mine: () => ReturnType<typeof openAlarms>; over: () => Promise<void> }> {
  const customer = await firstOf(page, '/customers?limit=1')
  const webhook = await makeWebhook(page, name)
  const sites: { id: string; serial: string }[] = []
  for (const number of ['1', '2']) {
    const serial = `${name} ${number}`
    const { id } = await page.evaluate(
      async ([customerId, siteName]) => {
        const answer = await fetch('/api/v1/sites', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ name: siteName, customerId, timezone: 'Asia/Kolkata' }),
        })
        return (await answer.json()) as { id: string }
      },
      [customer.id, serial] as const,
    )
    sites.push({ id, serial })
  }
  const say = async (broken: boolean) => {
    const told = sites.map(({ serial }, index) => ({
      device: serial,
      ts: Date.now(),
      metrics: { ac_power_w: broken ? 0 : 900 },
      status: broken ? 'fault' : 'producing',
      faults: broken ? [{ code: `T-${String(index)}`, text: 'too hot', severity: 'major' }] : [],
    }))
    expect(await webhook.send(JSON.stringify(told))).toBe(202)
  }
  await say(false)
  for (const { id: siteId, serial } of sites) await claimHeard(page, { serial, siteId, kind: 'inverter' })
  const mine = async () => (await openAlarms(page)).filter(({ siteId }) => sites.some(({ id }) => id === siteId))
  await expect(async () => {
    await say(true)
    expect(new Set((await mine()).map(({ siteId }) => siteId)).size).toBe(2)
  }).toPass({ timeout: 120_000, intervals: [1_000] })
  return { mine, over: () => say(false) }
}

test('triage: several causes are picked by `x` and by box, muted until a time, and acknowledged', async ({ page }) => {
  test.setTimeout(300_000)
  const name = `Pick ${String(Date.now())}`
  const { mine, over } = await twoFaults(page, name)
  await page.goto(`/alarms?q=${encodeURIComponent(name)}`)
  await expect(page.locator('[data-row="1"]')).toBeVisible()
  await page.keyboard.press('j')
  await page.keyboard.press('x')
  await page.locator('[data-row="1"]').getByRole('checkbox').check()
  const bar = page.getByRole('toolbar', { name: 'Selected causes' })
  await expect(bar).toContainText('2 alarms selected')
  await bar.getByRole('button', { name: 'Mute' }).click()
  const dialog = page.getByRole('dialog', { name: /^Mute \d+ alarms/ })
  await dialog.getByLabel('How long').selectOption('until')
  await expect(dialog.getByText("On the site's clock: Asia/Kolkata")).toBeVisible()
  await dialog.getByLabel('Reason').fill('The grid is being worked on')
  await dialog.getByRole('button', { name: 'Mute alarms' }).click()
  const year = new Date().getFullYear() + 1
  await dialog.getByLabel('Until', { exact: true }).fill(`${String(year)}-03-05T17:30`)
  await expectAxeClean(page)
  await dialog.getByRole('button', { name: 'Mute alarms' }).click()
  await expect(page.getByText(/alarms muted$/)).toBeVisible()
  // Half past five in the afternoon there is noon in Greenwich.
  const noon = `${String(year)}-03-05T12:00:00.000Z`
  expect((await mine()).map(({ mutedUntil }) => mutedUntil)).toEqual([noon, noon])
  await expect(bar).toHaveCount(0)
  await page.getByRole('button', { name: 'Undo' }).last().click()
  await expect.poll(async () => (await mine()).every((one) => one.mutedUntil === null)).toBe(true)

  await page.setViewportSize({ width: 320, height: 700 })
  await page.reload()
  await page.locator('[data-row="0"]').getByRole('checkbox').check()
  await page.locator('[data-row="1"]').getByRole('checkbox').check()
  await expectNoSidewaysScroll(page)
  await expectAxeClean(page)
  await bar.getByRole('button', { name: 'Acknowledge' }).click()
  await expect(page.getByText(/alarms acknowledged$/)).toBeVisible()
  expect((await mine()).every((one) => one.acknowledgedAt !== null)).toBe(true)
  await page.getByRole('button', { name: 'Undo' }).last().click()
  await expect.poll(async () => (await mine()).every((one) => one.acknowledgedAt === null)).toBe(true)
  await over()
})
