import { expect, test } from '@playwright/test'
import {
  expectAxeClean,
  expectNoSidewaysScroll,
  firstOf,
  goByKeys,
  makeSite,
  makeWebhook,
  signIn,
  tabTo,
} from './helpers.ts'

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

  // Among many only those in sight are drawn.
  await page.getByLabel('Filter by name or user name').fill('Loggers for a test')
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

test('a broker of one’s own is entered; what is wrong with it is said where it can be put right', async ({ page }) => {
  test.slow()
  await page.getByRole('button', { name: 'New connection' }).first().click()
  const form = page.getByRole('dialog', { name: 'New connection' })
  await form.getByLabel('Name', { exact: true }).fill('Our own broker')
  await form.getByLabel('How data comes').selectOption({ label: 'Your own broker: we subscribe to it' })
  // The vendor's own topics are offered.
  await expect(form.getByLabel('Topic filters')).toHaveValue('readings')
  await form.getByLabel('Topic filters').fill('readings\nplant#')
  await form.getByLabel('Address of the broker').fill('mqtt://192.168.0.10')
  await form.getByLabel('Broker user').fill('heliograph')
  await form.getByLabel('Broker password').fill('a password that stays away')
  await form.getByRole('button', { name: 'Make connection' }).click()
  await expect(form.getByText(/private address that the setting HELIO_BROKER_HOSTS does not allow/)).toBeVisible()
  await expect(form.getByText('Line 2 may have # only as its last level')).toBeVisible()
  await expectAxeClean(page)
  await form.getByLabel('Topic filters').fill('plant/#')
  await form.getByLabel('Address of the broker').fill('mqtt://no-such-broker.invalid')
  await form.getByRole('button', { name: 'Make connection' }).click()

  // Nothing to copy: whether it works is shown instead.
  const opened = page.getByRole('dialog', { name: 'Our own broker' })
  await expect(opened.getByText('Not connected')).toBeVisible({ timeout: 30_000 })
  await expect(opened.getByText(/no-such-broker\.invalid/).first()).toBeVisible()
  await expect(opened.getByLabel('Topic filters')).toHaveValue('plant/#')
  await expect(opened.getByLabel('Broker password')).toHaveValue('')
  expect(await page.content()).not.toContain('a password that stays away')
  await expectAxeClean(page)
  await opened.getByLabel('Topic filters').fill('plant/+/readings')
  await opened.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Saved; the broker is connected to anew')).toBeVisible()
  // Another address gets the password only from who knows it.
  await opened.getByLabel('Address of the broker').fill('mqtt://other-broker.invalid')
  await opened.getByRole('button', { name: 'Save' }).click()
  await expect(opened.getByText('is needed again: it is not sent to another address')).toBeVisible()
  await page.keyboard.press('Escape')

  await page.getByLabel('Filter by name or user name').fill('Our own broker')
  const row = page.getByRole('row', { name: /Our own broker/ }).first()
  await expect(row).toContainText('Not connected')
  await expect(row.getByRole('button', { name: 'New secret' })).toHaveCount(0)
  const before = await page.getByRole('row', { name: /Our own broker/ }).count()
  await row.getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('button', { name: 'Revoke connection' }).click()
  await expect(page.getByRole('row', { name: /Our own broker/ })).toHaveCount(before - 1)
})

test('the line from edge to store tells how it is', async ({ page }) => {
  await page.getByRole('link', { name: 'Lag and health' }).click()
  await expect(page).toHaveURL(/tab=health/)
  await expect(page.getByText(/behind/).first()).toBeVisible()
})

test('the outbox shows what would be sent', async ({ page }) => {
  await page.getByRole('link', { name: 'Outbox' }).click()
  await expect(page.getByRole('heading', { name: 'Outbox' })).toBeVisible()
  // The demo has an inverter in fault, which is critical: support is told by mail and by SMS.
  const mail = page.locator('summary').filter({ hasText: 'support@demo.test' }).first()
  await expect(async () => {
    await page.getByRole('button', { name: 'Reload' }).click()
    await expect(mail).toBeVisible({ timeout: 5_000 })
  }).toPass({ timeout: 120_000 })
  await mail.click()
  await expect(page.getByRole('link', { name: 'Open the ticket' }).first()).toBeVisible()
  await page.getByLabel('Channel').selectOption('sms')
  await expect(page.locator('summary').filter({ hasText: '+4915550100001' }).first()).toBeVisible()
  await expect(mail).toHaveCount(0)
})

test('what cannot be decoded is kept: its bytes are shown, and it can be replayed', async ({ page }) => {
  const webhook = await makeWebhook(page, 'Sender of nonsense')
  expect(await webhook.send('{"device": "x", "ts": <b>now</b>}')).toBe(202)
  await page.goto('/data?tab=dead-letters')
  const row = page.getByRole('row', { name: /Sender of nonsense/ }).first()
  await expect(async () => {
    await page.getByRole('button', { name: 'Reload' }).click()
    await expect(row).toBeVisible({ timeout: 5_000 })
  }).toPass({ timeout: 120_000 })
  await row.getByRole('button', { name: 'View' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.locator('pre')).toContainText('<b>now</b>')
  await dialog.getByRole('button', { name: 'Hex' }).click()
  await expect(dialog.locator('pre')).toContainText(/^000000 {2}7b 22/)
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await row.getByRole('button', { name: 'Replay' }).click()
  await expect(page.getByText(/Decoded again|on its way/)).toBeVisible({ timeout: 60_000 })
})

test('an unclaimed device appears by itself and is claimed for a site', async ({ page }) => {
  const webhook = await makeWebhook(page, 'Sender of one device')
  await page.goto('/data?tab=unclaimed')
  const serial = `PAGE-${String(Date.now())}`
  const reading = {
    device: serial,
    ts: Date.now(),
    metrics: { ac_power_w: 4321, energy_total_wh: 1_000_000 },
    status: 'producing',
  }
  expect(await webhook.send(JSON.stringify(reading))).toBe(202)
  const row = page.getByRole('row', { name: new RegExp(serial) })
  await expect(row).toBeVisible({ timeout: 60_000 })
  await expect(row).toContainText('AC power 4.32 kW')
  await row.getByRole('button', { name: 'Claim device' }).click()
  const dialog = page.getByRole('dialog', { name: 'Claim device' })
  await dialog.getByRole('button', { name: 'Claim device' }).click()
  await expect(dialog).toBeVisible()
  // A site that was made since the page was opened is found, by a name that is pasted.
  const name = `Made meanwhile ${serial}`
  await makeSite(page, { name })
  await expect(async () => {
    await dialog.getByRole('combobox', { name: 'Site' }).fill('')
    await dialog.getByRole('combobox', { name: 'Site' }).fill(name)
    await page.getByRole('listbox').getByRole('option').filter({ hasText: name }).click({ timeout: 2_000 })
  }).toPass({ timeout: 60_000 })
  await dialog.getByRole('button', { name: 'Claim device' }).click()
  await expect(page.getByText(/is claimed\./)).toBeVisible()
  await expect(row).toHaveCount(0)
  await page.getByRole('link', { name: 'Open device' }).click()
  // What it sent before it was claimed is there: its history was replayed.
  await expect(page.getByText('4.32kW').or(page.getByText('4.32 kW')).first()).toBeVisible({ timeout: 60_000 })
})

test('a device is claimed by keyboard alone, from any page', async ({ page }) => {
  const webhook = await makeWebhook(page, 'Sender for the keyboard')
  const serial = `KEYS-${String(Date.now())}`
  expect(await webhook.send(JSON.stringify({ device: serial, ts: Date.now(), metrics: { ac_power_w: 10 } }))).toBe(202)
  const site = await firstOf(page, '/sites?limit=1')
  await page.goto('/tickets')
  await goByKeys(page, 'd', '/data')
  await tabTo(page, page.getByRole('link', { name: 'Unclaimed' }))
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/tab=unclaimed/)
  await page.getByRole('searchbox').waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type(serial)
  const row = page.getByRole('row', { name: new RegExp(serial) })
  await expect(row).toBeVisible({ timeout: 60_000 })
  // The list is the filtered one: rows that still come and go would take the focus along.
  await expect(page).toHaveURL(new RegExp(`q=${serial}`))
  await expect(page.getByRole('row').filter({ hasText: 'Claim device' })).toHaveCount(1)
  await tabTo(page, row.getByRole('button', { name: 'Claim device' }))
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Claim device' })
  await tabTo(page, dialog.getByRole('combobox', { name: 'Site' }))
  await page.keyboard.type(site['name'] as string)
  await expect(page.getByRole('listbox').getByRole('option').first()).toContainText(site['name'] as string)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await tabTo(page, dialog.getByRole('button', { name: 'Claim device' }))
  await page.keyboard.press('Enter')
  await expect(page.getByText(/is claimed\./)).toBeVisible()
  await tabTo(page, page.getByRole('link', { name: 'Open device' }))
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/devices\//)
})

test('the tap shows messages as they come and what became of them; the guide has values to paste', async ({ page }) => {
  const webhook = await makeWebhook(page, 'Sender to listen to')
  await page.goto(`/data?tab=connections&connection=${webhook.id}`)
  const dialog = page.getByRole('dialog', { name: 'Sender to listen to' })
  await expect(dialog.getByText('Waiting for a first message')).toBeVisible()
  expect(await webhook.send('{"device": <script>alert(1)</script>}')).toBe(202)
  const line = dialog.getByRole('listitem').first()
  await expect(line).toContainText(/Not decoded: not JSON/, { timeout: 60_000 })
  await line.getByRole('button').first().click()
  await expect(dialog.locator('pre')).toContainText('<script>alert(1)</script>')
  await expectAxeClean(page)
  await dialog.getByRole('link', { name: 'Point devices here' }).click()
  await expect(dialog.getByLabel('Webhook address', { exact: true })).toHaveValue(new RegExp(webhook.id))
  await expect(dialog.getByLabel('Send a first reading', { exact: true })).toHaveValue(/^curl -u .*:SECRET /)
  await page.keyboard.press('Escape')
  await expect(page).not.toHaveURL(/connection=/)
})

test('devices are claimed by a list; a row that cannot be says why, and names stay text', async ({ page }) => {
  const webhook = await makeWebhook(page, 'Sender of several')
  const serials = [1, 2].map((number) => `LIST-${String(Date.now())}-${String(number)}`)
  const body = JSON.stringify(serials.map((device) => ({ device, ts: Date.now(), metrics: { ac_power_w: 10 } })))
  expect(await webhook.send(body)).toBe(202)
  await page.goto('/data?tab=unclaimed')
  for (const serial of serials)
    await expect(page.getByRole('row', { name: new RegExp(serial) })).toBeVisible({ timeout: 60_000 })
  const site = await firstOf(page, '/sites?limit=1')
  await page.getByRole('button', { name: 'Claim by a list' }).click()
  const dialog = page.getByRole('dialog', { name: 'Claim by a list' })
  const evil = '<b onmouseover=alert(1)>East</b>'
  const csv = `serial;site;name;kind\n${serials[0]!};${site.id};"${evil}";meter\n${serials[1]!};Nowhere at all;;\n=cmd|x;${site.id};;\n`
  await dialog
    .locator('input[type=file]')
    .setInputFiles({ name: 'list.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) })
  await expect(dialog.getByText('1 of 3 rows can be claimed')).toBeVisible()
  await expect(dialog.getByText('No site has this name or id')).toBeVisible()
  await expect(dialog.getByText(evil)).toBeVisible()
  await expectAxeClean(page)
  await dialog.getByRole('button', { name: 'Claim 1 device' }).click()
  await expect(dialog.getByText('Claimed', { exact: true })).toBeVisible()
  await dialog.getByRole('button', { name: 'Close' }).last().click()
  await expect(page.getByRole('row', { name: new RegExp(serials[0]!) })).toHaveCount(0)

  // What is told of the first must not be taken for word of the second.
  await expect(page.getByText('1 device is claimed')).toHaveCount(0)

  // The other one by picking it.
  await page
    .getByRole('row', { name: new RegExp(serials[1]!) })
    .getByRole('checkbox')
    .check()
  await page.getByRole('button', { name: 'Claim 1 device' }).click()
  const many = page.getByRole('dialog', { name: 'Claim 1 devices' })
  await many.getByRole('button', { name: 'Show sites' }).click()
  await page.getByRole('listbox').getByRole('option').first().click()
  await many.getByRole('button', { name: 'Claim devices' }).click()
  await expect(page.getByText('1 device is claimed')).toBeVisible()
})

test('dead letters are filtered and replayed together', async ({ page }) => {
  const webhook = await makeWebhook(page, 'Sender of much nonsense')
  for (const text of ['{', '{{']) expect(await webhook.send(text)).toBe(202)
  await page.goto(`/data?tab=dead-letters&connection=${webhook.id}`)
  const rows = page.getByRole('row', { name: /Sender of much nonsense/ })
  await expect(async () => {
    await page.getByRole('button', { name: 'Reload' }).click()
    await expect(rows).toHaveCount(2, { timeout: 5_000 })
  }).toPass({ timeout: 120_000 })
  await page.getByLabel('Select all rows').check()
  await page.getByRole('button', { name: 'Replay 2' }).click()
  await expect(page.getByText(/2 messages are decoded again|could not be replayed/)).toBeVisible({ timeout: 60_000 })
})

test('data quality tells of every device, in both themes and at 320 px', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 700 })
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.goto('/data?tab=quality')
    await expect(page.getByText(/devices were heard|Nothing was measured/)).toBeVisible({ timeout: 60_000 })
    await expectNoSidewaysScroll(page)
    await expectAxeClean(page)
  }
})
