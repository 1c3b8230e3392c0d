import { expect, test, type Page } from '@playwright/test'
import {
  claimHeard,
  expectAxeClean,
  expectNoSidewaysScroll,
  firstOf,
  makeWebhook,
  signIn,
  watchConsole,
} from './helpers.ts'

interface Street {
  /** Of the incident. */
  id: string
  sites: { id: string; name: string }[]
  /** Sends a message of each inverter, with this fault or in good order. */
  say: (fault?: string) => Promise<void>
}

/** Three sites of one street, whose inverters tell the same fault at once: the rules make one incident of it. */
async function troubledStreet(page: Page, name: string, latitude: number): Promise<Street> {
  const customer = await firstOf(page, '/customers?limit=1')
  const webhook = await makeWebhook(page, name)
  const sites = await page.evaluate(
    async ([customerId, street, south]) => {
      const made: { id: string; name: string }[] = []
      for (const number of [1, 2, 3]) {
        const answer = await fetch('/api/v1/sites', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            name: `${street} ${String(number)}`,
            customerId,
            timezone: 'Europe/Berlin',
            latitude: south + number / 10_000,
            longitude: 9.5,
          }),
        })
        made.push((await answer.json()) as { id: string; name: string })
      }
      return made
    },
    [customer.id, name, latitude] as const,
  )
  const say = async (fault?: string) => {
    const told = sites.map(({ name: device }) => ({
      device,
      ts: Date.now(),
      metrics: { ac_power_w: fault ? 0 : 900 },
      status: fault ? 'fault' : 'producing',
      faults: fault ? [{ code: fault, text: 'grid voltage out of range', severity: 'major' }] : [],
    }))
    expect(await webhook.send(JSON.stringify(told))).toBe(202)
  }
  await say()
  for (const { id: siteId, name: serial } of sites) await claimHeard(page, { serial, siteId, kind: 'inverter' })
  let id = ''
  // A message on its way while the device was claimed does not count yet: they go on telling until they are believed.
  await expect(async () => {
    await say('G-7')
    const open = await page.evaluate(async () => {
      const answer = await fetch('/api/v1/incidents?open=true&limit=100')
      return ((await answer.json()) as { items: { id: string; siteIds: string[] }[] }).items
    })
    const incident = open.find(({ siteIds }) => sites.every((site) => siteIds.includes(site.id)))
    expect(incident, 'an incident of the three sites').toBeDefined()
    id = incident!.id
  }).toPass({ timeout: 120_000, intervals: [1_000] })
  return { id, sites, say }
}

test('one fault over a street is one row, opens by keyboard, and is acknowledged as a whole', async ({ page }) => {
  test.setTimeout(360_000)
  const found = watchConsole(page)
  await signIn(page, 'support')
  const street = `Lane ${String(Date.now())}`
  const { id, sites } = await troubledStreet(page, street, 47.1)
  await page.goto(`/alarms?q=${encodeURIComponent(street)}`)
  const row = page.getByRole('table', { name: 'Alarms' }).getByRole('link', { name: /3 sites at once/ })
  await expect(row).toBeVisible()
  await page.keyboard.press('j')
  await expect(row).toBeFocused()
  await page.keyboard.press('Enter')
  await page.waitForURL(`/alarms/incidents/${id}`)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('the grid of their street is the likely cause')
  const list = page.getByRole('region', { name: 'Sites' })
  for (const { name } of sites) await expect(list.getByRole('link', { name })).toBeVisible()
  const alarms = page.getByRole('region', { name: 'Alarms' })
  await expect(alarms.getByRole('row', { name: /G-7/ })).toHaveCount(3)
  const acknowledge = page.getByRole('button', { name: 'Acknowledge all' })
  await acknowledge.focus()
  await page.keyboard.press('Enter')
  await expect(acknowledge).toHaveCount(0)
  await expect(alarms.getByText('Acknowledged')).toHaveCount(3)
  expect(found).toEqual([])
})

test('an incident is sound on a phone and at a desk, in both themes, and leads to its sites', async ({ page }) => {
  test.setTimeout(360_000)
  await signIn(page, 'support')
  const { id, sites } = await troubledStreet(page, `Road ${String(Date.now())}`, 47.6)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    for (const width of [320, 1440]) {
      await page.setViewportSize({ width, height: 800 })
      await page.goto(`/alarms/incidents/${id}`)
      await expect(page.getByRole('link', { name: sites[2]!.name }).first()).toBeVisible()
      await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
      await expectNoSidewaysScroll(page)
      await expectAxeClean(page)
    }
  }
  await page.getByRole('region', { name: 'Sites' }).getByRole('link', { name: sites[0]!.name }).click()
  await page.waitForURL(`/sites/${sites[0]!.id}`)
})

test('an incident that is not there is said to be so', async ({ page }) => {
  await signIn(page, 'support')
  await page.goto('/alarms/incidents/018f0000-0000-7000-8000-000000000000')
  await expect(page.getByRole('alert')).toBeVisible()
  await expectAxeClean(page)
})
