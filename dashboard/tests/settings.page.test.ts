import { expect, test } from '@playwright/test'
import { beforeNextChange, expectAxeClean, expectNoSidewaysScroll, firstOf, signIn, watchConsole } from './helpers.ts'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

test('every part of the settings is sound at 320 px in both themes', async ({ page }) => {
  test.setTimeout(240_000)
  const found = watchConsole(page)
  await signIn(page, 'admin')
  await page.setViewportSize({ width: 320, height: 700 })
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    for (const tab of ['', 'company', 'brand', 'people', 'keys', 'thresholds', 'tags']) {
      await page.goto(`/settings?tab=${tab}`)
      await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
      await expectNoSidewaysScroll(page)
      await expectAxeClean(page)
    }
  }
  expect(found).toEqual([])
})

test('a profile is saved, thresholds too, by keyboard alone', async ({ page }) => {
  await signIn(page, 'admin')
  await page.goto('/settings')
  const name = page.getByLabel('Name', { exact: true })
  const before = await name.inputValue()
  await name.fill('Alex <b>Admin</b>')
  await name.press('Enter')
  await expect(page.getByText('Your profile is saved')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Your menu: Alex <b>Admin</b>' })).toBeVisible()
  await name.fill(before)
  await name.press('Enter')
  await page.goto('/settings?tab=thresholds')
  const minutes = page.getByLabel('But not before')
  const was = await minutes.inputValue()
  await minutes.fill('7')
  await minutes.press('Enter')
  await expect(page.getByText('the rules follow within moments')).toBeVisible()
  await page.reload()
  await expect(minutes).toHaveValue('7')
  await minutes.fill(was)
  await minutes.press('Enter')
  await expect(page.getByRole('button', { name: 'Save thresholds' })).toBeDisabled()
})

test('a company is renamed, and a unit is made, given a site, emptied and removed', async ({ page }) => {
  test.setTimeout(240_000)
  await signIn(page, 'admin')
  const site = await firstOf(page, '/sites?limit=1')
  await page.goto('/settings?tab=company')
  const company = page.getByLabel('Name of the company')
  const before = await company.inputValue()
  await company.fill(`${before} <b>&</b> sons`)
  await company.press('Enter')
  await expect(page.getByText('The name is saved')).toBeVisible()
  const units = page.getByRole('list', { name: 'Units' })
  await expect(units.getByRole('link', { name: `${before} <b>&</b> sons` })).toBeVisible()
  await company.fill(before)
  await company.press('Enter')
  await expect(units.getByRole('link', { name: before, exact: true })).toBeVisible()

  const name = `Coast ${String(Date.now())}`
  for (const one of [name, `${name} east`]) {
    await page.getByRole('button', { name: `Add a unit below ${before}` }).press('Enter')
    const adding = page.getByRole('dialog', { name: 'Add a unit' })
    await adding.getByLabel('Name of the unit').fill(one)
    await adding.getByLabel('Name of the unit').press('Enter')
    await expect(page.getByText(`${one} is added`)).toBeVisible()
  }
  await page.getByRole('button', { name: `Edit ${name} east` }).click()
  const editing = page.getByRole('dialog', { name: `Edit ${name} east` })
  await editing.getByLabel('Below').selectOption({ label: `\u00a0\u00a0\u00a0${name}` })
  await expectAxeClean(page)
  await editing.getByRole('button', { name: 'Save unit' }).click()
  await expect(units.getByRole('link', { name: `${name} east, level 3` })).toBeVisible()

  await page.goto(`/sites/${site.id}`)
  const card = page.getByRole('region', { name: 'System' })
  await card.getByRole('button', { name: 'Edit' }).first().click()
  await card.getByLabel('Unit').selectOption({ label: `\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0${name} east` })
  await card.getByRole('button', { name: 'Save' }).click()
  await expect(card.getByText(`${name} east`)).toBeVisible()

  // What somebody works with is not removed under them.
  await page.goto('/settings?tab=company')
  await page.getByRole('button', { name: `Remove ${name} east` }).click()
  await page.getByRole('button', { name: 'Remove unit' }).click()
  await expect(page.getByText('Something still belongs to it.')).toBeVisible()
  await page.getByRole('button', { name: 'Cancel' }).click()

  await units.getByRole('link', { name: `${name}, level 2` }).click()
  await page.waitForURL(/\/fleet\?unit=/)
  await expect(page.locator('[data-row]')).toHaveCount(1)
  await page.getByLabel('Select all rows').check()
  await page.getByRole('toolbar').getByRole('button', { name: 'Move to unit…' }).click()
  const moving = page.getByRole('dialog', { name: 'Move to unit' })
  await expect(moving).toContainText(`Now at ${name} east (1 site)`)
  await moving.getByLabel('Unit').selectOption({ label: before })
  await expectAxeClean(page)
  await moving.getByRole('button', { name: 'Move 1 site' }).click()
  await expect(page.getByText(`1 site moved to ${before}`)).toBeVisible()
  await expect(page.locator('[data-row]')).toHaveCount(0)
  await page.getByRole('button', { name: 'Undo' }).last().click()
  await expect(page.locator('[data-row]')).toHaveCount(1)
  await page.evaluate(
    async ([siteId, orgUnitId]) =>
      await fetch(`/api/v1/sites/${siteId!}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ orgUnitId }),
      }),
    [site.id, site['orgUnitId'] as string],
  )

  await page.goto('/settings?tab=company')
  for (const one of [`${name} east`, name]) {
    await page.getByRole('button', { name: `Remove ${one}`, exact: true }).click()
    await page.getByRole('button', { name: 'Remove unit' }).click()
    await expect(page.getByText(`${one} is removed`)).toBeVisible()
  }
  await expect(units.getByText(name)).toHaveCount(0)
})

test('two people change thresholds or the brand: what was typed stays until somebody chooses', async ({ page }) => {
  await signIn(page, 'admin')
  await page.goto('/settings?tab=thresholds')
  const minutes = page.getByLabel('But not before')
  const hours = page.getByLabel('When it lasts')
  await expect(page.getByRole('button', { name: 'Save thresholds' })).toBeDisabled()
  const was = await page.evaluate(async () => (await (await fetch('/api/v1/thresholds')).json()) as object)
  await minutes.fill('9')
  await beforeNextChange(page, '/thresholds', { ...was, underperformanceHours: 6 })
  await minutes.press('Enter')
  const choice = page.getByRole('dialog', { name: /Somebody changed this/ })
  await expect(choice.getByRole('row', { name: /When it lasts/ })).toContainText('as it is now')
  await expect(choice.getByRole('row', { name: /But not before/ })).toContainText('9')
  await expectAxeClean(page)
  await page.keyboard.press('Escape')
  await expect(minutes).toHaveValue('9')
  await expect(hours).toHaveValue('6')
  await minutes.press('Enter')
  await expect(page.getByText('the rules follow within moments')).toBeVisible()

  await page.unrouteAll()
  await minutes.fill('11')
  await beforeNextChange(page, '/thresholds', was)
  await minutes.press('Enter')
  await choice.getByRole('button', { name: 'Keep theirs' }).click()
  await page.reload()
  await expect(minutes).toHaveValue(String((was as { silenceMinutes: number }).silenceMinutes))

  await page.goto('/settings?tab=brand')
  const name = page.getByLabel('Name for customers')
  await expect(name).not.toHaveValue('')
  const before = await name.inputValue()
  await name.fill('Sun of mine')
  await beforeNextChange(page, '/brand', { name: 'Sun of theirs', accentColor: '#204080' })
  await page.getByRole('button', { name: 'Save brand' }).click()
  await expect(choice.getByRole('row', { name: /Name for customers/ })).toContainText('Sun of theirs')
  await choice.getByRole('button', { name: 'Apply my change on top' }).click()
  await expect(page.getByText('Your brand is saved')).toBeVisible()
  await page.reload()
  await expect(name).toHaveValue('Sun of mine')
  await expect(page.getByLabel('Accent colour', { exact: true })).toHaveValue('#204080')
  await name.fill(before)
  await page.getByRole('button', { name: 'Use the ordinary colour' }).click()
  await page.getByRole('button', { name: 'Save brand' }).click()
  await expect(page.getByText('Your brand is saved')).toBeVisible()
})

test('two people change a person or a unit: the second is asked, and nothing typed is lost', async ({ page }) => {
  await signIn(page, 'admin')
  await page.goto('/settings?tab=people')
  const made = await page.evaluate(
    async (email) => {
      const send = async (path: string, body: object) => {
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(`/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
        return (await answer.json()) as { id: string; name: string }
      }
      return {
        user: await send('/users', { email, name: 'Nora', roles: [{ role: 'support' }] }),
        unit: await send('/org-units', { name: `Unit of ${email}` }),
      }
    },
    `nora-${String(Date.now())}@demo.test`,
  )
  await page.getByLabel('Filter by name or email').fill('nora-')
  await page.getByRole('row', { name: /nora-/ }).first().getByRole('button', { name: 'Edit' }).click()
  const form = page.getByRole('dialog', { name: 'Nora' })
  await form.getByLabel('Name').fill('Nora Second')
  await form.getByRole('button', { name: 'Add a role' }).click()
  await beforeNextChange(page, `/users/${made.user.id}`, { phone: '+497611234567', name: 'Nora First' })
  await form.getByRole('button', { name: 'Save' }).click()
  const choice = page.getByRole('dialog', { name: /Somebody changed this person/ })
  await expect(choice.getByRole('row', { name: /Name/ })).toContainText('Nora First')
  await expect(choice.getByRole('row', { name: /Roles/ })).toContainText('Support, Analyst')
  await expect(choice.getByRole('row', { name: /Phone/ })).toContainText('as it is now')
  await expectAxeClean(page)
  await page.keyboard.press('Escape')
  await expect(form.getByLabel('Name')).toHaveValue('Nora Second')
  await expect(form.getByLabel('Phone for SMS')).toHaveValue('+497611234567')
  await form.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Nora Second is saved')).toBeVisible()

  await page.goto('/settings?tab=company')
  await page.getByRole('button', { name: `Edit ${made.unit.name}` }).click()
  const unit = page.getByRole('dialog', { name: `Edit ${made.unit.name}` })
  await unit.getByLabel('Name of the unit').fill(`${made.unit.name} of mine`)
  await beforeNextChange(page, `/org-units/${made.unit.id}`, { name: `${made.unit.name} of theirs` })
  await unit.getByRole('button', { name: 'Save unit' }).click()
  const which = page.getByRole('dialog', { name: /Somebody changed this unit/ })
  await expect(which.getByRole('row', { name: /Name/ })).toContainText('of theirs')
  await which.getByRole('button', { name: 'Apply my change on top' }).click()
  await expect(page.getByText(`${made.unit.name} of mine is saved`)).toBeVisible()
  await page.evaluate(async ({ user, unit: gone }) => {
    await fetch(`/api/v1/users/${user.id}`, { method: 'DELETE' })
    await fetch(`/api/v1/org-units/${gone.id}`, { method: 'DELETE' })
  }, made)
})

test("a company's name, colour and logo are what its customers see", async ({ page, browser }) => {
  await signIn(page, 'admin')
  await page.goto('/settings?tab=brand')
  await page.getByLabel('Name for customers').fill('Sonnenschein & Co')
  await page.getByLabel('Accent colour', { exact: true }).fill('#204080')
  await page.getByRole('button', { name: 'Save brand' }).click()
  await expect(page.getByText('Your brand is saved')).toBeVisible()
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'logo.svg', mimeType: 'image/png', buffer: Buffer.from('<svg onload="alert(1)"/>') })
  await expect(page.getByText(/PNG, JPEG or WebP picture/)).toBeVisible()
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'logo.png', mimeType: 'image/png', buffer: Buffer.from(PNG, 'base64') })
  await expect(page.getByRole('img', { name: /Logo of Sonnenschein/ })).toBeVisible()
  const address = await page.getByLabel('Sign-in address of your customers', { exact: true }).inputValue()

  const theirs = await browser.newPage()
  await theirs.goto(address)
  await expect(theirs.getByText('Sonnenschein & Co')).toBeVisible()
  await signIn(theirs, 'customer')
  await expect(theirs.getByRole('link', { name: 'Sonnenschein & Co, start page' })).toBeVisible()
  await expect
    .poll(() =>
      theirs.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--color-accent').trim()),
    )
    .toBe('#204080')
  await expectAxeClean(theirs)
  await theirs.close()

  await page.getByRole('button', { name: 'Remove', exact: true }).click()
  await page.getByLabel('Name for customers').fill('')
  await page.getByRole('button', { name: 'Use the ordinary colour' }).click()
  await page.getByRole('button', { name: 'Save brand' }).click()
  await expect(page.getByText('Your brand is saved').last()).toBeVisible()
})

test('a person is invited by mail, disabled and enabled', async ({ page }) => {
  await signIn(page, 'admin')
  await page.goto('/settings?tab=people')
  const email = `nina-${String(Date.now())}@demo.test`
  await page.getByRole('button', { name: 'Invite a person' }).click()
  const dialog = page.getByRole('dialog', { name: 'Invite a person' })
  await dialog.getByLabel('Email').fill(email)
  await dialog.getByLabel('Name').fill('Nina New')
  await dialog.getByRole('button', { name: 'Send invitation' }).click()
  await expect(page.getByText(`An invitation to ${email} is on its way`)).toBeVisible()
  await page.getByLabel('Filter by name or email').fill(email)
  const row = page.getByRole('row', { name: new RegExp(email) })
  await row.getByRole('button', { name: 'Disable' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
  await expect(row.getByText('Disabled')).toBeVisible()
  await row.getByRole('button', { name: 'Enable' }).click()
  await expect(row.getByText('Active')).toBeVisible()
  // The mail is in the outbox; its link is for nobody but her.
  await page.goto('/data?tab=outbox')
  await expect(page.getByText(email)).toBeVisible()
  await page.locator('summary').filter({ hasText: email }).click()
  await expect(page.getByText('/reset?token=')).toHaveCount(0)
})

test('an API key is shown once, opens the API, and no longer once it is revoked', async ({ page }) => {
  await signIn(page, 'admin')
  await page.goto('/settings?tab=keys')
  await page
    .getByRole('button', { name: /New key|Make the first key/ })
    .first()
    .click()
  const name = `Key ${String(Date.now())}`
  await page.getByRole('dialog').getByLabel('Name').fill(name)
  await page.getByRole('dialog').getByRole('button', { name: 'Make key' }).click()
  const shown = page.getByRole('dialog', { name: 'Key made' })
  const key = await shown.getByLabel('Key', { exact: true }).inputValue()
  await page.keyboard.press('Escape')
  await expect(shown).toBeVisible()
  await shown.getByRole('button', { name: 'I have copied the key' }).click()
  expect(await page.content()).not.toContain(key)
  const status = async () =>
    (await fetch(new URL('/api/v1/sites?limit=1', page.url()), { headers: { authorization: `Bearer ${key}` } })).status
  expect(await status()).toBe(200)
  await page.getByRole('listitem').filter({ hasText: name }).getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('button', { name: 'Revoke key' }).click()
  await expect(page.getByText(name)).toHaveCount(0)
  expect(await status()).toBe(401)
})

test('who wants to be told of alarms says of which and how, and takes it back', async ({ page }) => {
  await signIn(page, 'analyst')
  await page.goto('/settings')
  const panel = page.getByRole('region', { name: 'Tell me of alarms' })
  await panel.getByRole('button', { name: 'Tell me of alarms' }).press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Tell me of alarms' })
  await expectAxeClean(page)
  await dialog.getByLabel('Of', { exact: true }).selectOption('one part of the company')
  await dialog.getByLabel('Part of the company').selectOption({ index: 2 })
  await dialog.getByLabel('How severe').selectOption('Major and critical alarms')
  await dialog.getByLabel('SMS').check()
  await expect(dialog.getByText('Your profile has no phone')).toBeVisible()
  await dialog.getByLabel('How severe').press('Enter')
  await dialog.getByRole('button', { name: 'Tell me' }).press('Enter')
  const row = panel.getByRole('listitem').filter({ hasText: 'Major and critical alarms of' })
  await expect(row).toContainText('by email and SMS; your profile has no phone yet')
  await expectAxeClean(page)
  await row.getByRole('button', { name: 'Stop' }).click()
  await expect(panel.getByText('Nobody tells you of alarms')).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(row).toBeVisible()
  await row.getByRole('button', { name: 'Stop' }).click()
  await expect(row).toBeHidden()
})
