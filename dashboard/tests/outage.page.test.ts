import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, type Page } from '@playwright/test'
import { claimHeard, expectAxeClean, makeSite, makeWebhook, signInEmpty, type Webhook } from './helpers.ts'

/**
 * The server is killed with -9 under an open page, and comes back by itself: `HELIO_EMPTY_URL` says where an instance is that nobody else
 * looks at, `HELIO_EMPTY_DIR` where its pid stands.
 */
const url = process.env['HELIO_EMPTY_URL']
const folder = process.env['HELIO_EMPTY_DIR']

function kill(): void {
  if (folder === undefined) throw new Error('HELIO_EMPTY_DIR says where the pid of an empty instance stands')
  process.kill(Number(readFileSync(join(folder, 'instance.pid'), 'utf8')), 'SIGKILL')
}
interface Heard {
  siteId: string
  deviceId: string
  webhook: Webhook
  say: (power: number) => Promise<number>
}
/** A site of the test's own with a device that has spoken. */
async function heardSite(page: Page, name: string): Promise<Heard> {
  const siteId = await makeSite(page, { name })
  const webhook = await makeWebhook(page, name)
  const say = (power: number) =>
    webhook.send(JSON.stringify({ device: name, ts: Date.now(), metrics: { ac_power_w: power } }))
  expect(await say(1_110)).toBe(202)
  const deviceId = await claimHeard(page, { serial: name, siteId, kind: 'inverter' })
  return { siteId, deviceId, webhook, say }
}
const serverIsBack = () =>
  expect
    .poll(async () => (await fetch(`${url!}/readyz`).catch(() => undefined))?.status, { timeout: 120_000 })
    .toBe(200)

test('the server is killed and comes back: the page stays, says since when, and goes on live with everybody signed in', async ({
  page,
}) => {
  test.setTimeout(300_000)
  await signInEmpty(page)
  const { deviceId, say } = await heardSite(page, `Outage ${String(Date.now())}`)
  await page.goto(`${url!}/devices/${deviceId}`)
  const power = page.locator('dd').filter({ hasText: /kW/ })
  await expect(async () => {
    await say(2_220)
    await expect(power.filter({ hasText: '2.22' }).first()).toBeVisible({ timeout: 2_000 })
  }).toPass({ timeout: 60_000 })

  kill()
  await expect(page.locator('[data-live="reconnecting"]')).toBeVisible()
  await expect(page.getByText(/No live connection since \d/)).toBeVisible()
  // What was known stays, and is not passed off as new.
  await expect(power.filter({ hasText: '2.22' }).first()).toBeVisible()
  await expectAxeClean(page)

  await serverIsBack()
  await expect(page.locator('[data-live="connected"]')).toBeVisible({ timeout: 60_000 })
  await expect(page.getByText('No live connection since')).toBeHidden()
  await expect(async () => {
    expect(await say(3_330)).toBe(202)
    await expect(power.filter({ hasText: '3.33' }).first()).toBeVisible({ timeout: 2_000 })
  }).toPass({ timeout: 60_000 })
  await expect(page).toHaveURL(/\/devices\//)
})

test('a save while the server is gone keeps what was typed, says so, and works when it is back', async ({ page }) => {
  test.setTimeout(300_000)
  await signInEmpty(page)
  const { siteId } = await heardSite(page, `Saving ${String(Date.now())}`)
  await page.goto(`${url!}/sites/${siteId}`)
  await page.getByRole('button', { name: 'Edit', exact: true }).first().click()
  const card = page.getByRole('region', { name: 'System' })
  const name = card.getByLabel('Name', { exact: true })
  await name.fill('Saved in the end')
  kill()
  await expect(page.locator('[data-live="reconnecting"]')).toBeVisible()
  await name.press('Enter')
  await expect(card.getByRole('alert')).toBeVisible()
  await expect(name).toHaveValue('Saved in the end')
  await serverIsBack()
  await name.press('Enter')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Saved in the end', { timeout: 60_000 })
})

test('a page that is opened while the server is gone says so, and opens when it is back', async ({ page }) => {
  test.setTimeout(300_000)
  await signInEmpty(page)
  await page.goto(`${url!}/fleet`)
  await page.locator('[data-live="connected"]').waitFor()
  kill()
  await expect(page.locator('[data-live="reconnecting"]')).toBeVisible()
  await page.getByRole('navigation').getByRole('link', { name: 'Customers' }).first().click()
  await expect(page.getByRole('alert')).toContainText('The server cannot be reached')
  await expectAxeClean(page)
  // By itself: nobody has to know when to try.
  await expect(page.getByRole('heading', { name: 'Customers' })).toBeVisible({ timeout: 120_000 })
})
