import { execFile } from 'node:child_process'
import { expect, test } from '@playwright/test'
import { expectAxeClean, expectNoSidewaysScroll, watchConsole } from './helpers.ts'

/**
 * The way from nothing to a live site, on an instance without the demo: `HELIO_EMPTY_URL` says where one is, with the
 * administrator that the page tests' script makes there. Sent by a real MQTT client, as the page's own line says.
 */
const url = process.env['HELIO_EMPTY_URL']
const PASSWORD = process.env['HELIO_EMPTY_PASSWORD'] ?? ''

test('an empty instance leads from the first customer to a site that shows values', async ({ page }) => {
  test.setTimeout(360_000)
  if (url === undefined) throw new Error('HELIO_EMPTY_URL says where an empty instance is')
  const found = watchConsole(page)
  await page.setViewportSize({ width: 320, height: 700 })
  await page.goto(`${url}/sign-in`)
  await page.getByLabel('Email').fill('admin@empty.test')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(/\/start$/)
  await expect(page.getByRole('heading', { name: 'From nothing to a live site' })).toBeVisible()

  // A fleet without a site says so, and what to do; it stays when the live line has told that there is nothing.
  await page.goto(`${url}/fleet`)
  await page.locator('[data-live="connected"]').waitFor()
  await expect(page.getByText('No sites yet')).toBeVisible()
  await expectNoSidewaysScroll(page)
  await expectAxeClean(page)
  // So does the map.
  await page.goto(`${url}/map`)
  await expect(page.getByText('No site has a place yet')).toBeVisible()
  await page.getByRole('link', { name: 'Show the first steps' }).click()
  await page.waitForURL(/\/start$/)

  // By keyboard alone: a name is typed, Enter goes on.
  await page.getByLabel('Name of the customer').focus()
  await page.keyboard.type('<b>Frieda</b> & Söhne')
  await page.keyboard.press('Enter')
  await page.getByLabel('Name of the site').fill('Dach 1')
  await expectNoSidewaysScroll(page)
  await expectAxeClean(page)
  await page.getByLabel('Name of the site').press('Enter')
  await page.getByRole('button', { name: 'Make connection' }).click()

  const command = await page.getByLabel('Send a first reading', { exact: true }).inputValue()
  const secret = await page.getByLabel('Secret', { exact: true }).inputValue()
  expect(command).toContain(secret)
  await expect(page.getByText('Waiting for a first message')).toBeVisible()
  await expectNoSidewaysScroll(page)
  await expectAxeClean(page)
  await run(command)

  await expect(page.getByRole('heading', { name: 'Claim the device' })).toBeVisible()
  await page.getByRole('button', { name: 'Claim for Dach 1' }).click({ timeout: 60_000 })
  await expect(page.getByText('All five steps are done')).toBeVisible()
  // What somebody typed is text, wherever it is shown again.
  await expect(page.getByText('<b>Frieda</b> & Söhne').first()).toBeVisible()
  await expectAxeClean(page)
  await page.getByRole('link', { name: "See it on the site's page" }).click()
  await expect(page.getByRole('heading', { name: 'Dach 1' })).toBeVisible()
  await expect(page.getByText(/5\.32 ?kW/).first()).toBeVisible({ timeout: 60_000 })
  expect(found).toEqual([])

  // Who comes back is not shown the way again.
  await page.goto(`${url}/`)
  await page.waitForURL(/\/fleet/)
})

/** What the line says, done by a client of ours: a machine need not have mosquitto's. */
async function run(command: string): Promise<void> {
  const parts = /^mosquitto_pub -h (\S+) -p (\d+) -u (\S+) -P (\S+) -q 1 -t (\S+) -m '(.+)'$/.exec(command)
  if (!parts) throw new Error(`not a line of mosquitto_pub: ${command}`)
  const [, host, port, username, password, topic, message] = parts
  const script = `import mqtt from 'mqtt'
    const [url, username, password, topic, message] = process.argv.slice(1)
    const client = await mqtt.connectAsync(url, { username, password, clientId: 'first-run' })
    await client.publishAsync(topic, message, { qos: 1 })
    await client.endAsync()`
  await new Promise<void>((resolve, reject) => {
    execFile(
      process.execPath,
      ['--input-type=module', '-e', script, `mqtt://${host!}:${port!}`, username!, password!, topic!, message!],
      (error) => (error ? reject(error) : resolve()),
    )
  })
}
