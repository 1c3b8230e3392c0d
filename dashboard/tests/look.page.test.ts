import { expect, test, type Page } from '@playwright/test'
import { expectAxeClean, expectNoSidewaysScroll, firstOf, signIn, watchConsole } from './helpers.ts'

const STAFF = [
  '/fleet',
  '/fleet?view=cards',
  '/map',
  '/alarms',
  '/alarms?tab=history',
  '/tickets',
  '/customers',
  '/data',
  '/data?tab=unclaimed',
  '/data?tab=dead-letters',
  '/data?tab=quality',
  '/data?tab=health',
  '/data?tab=outbox',
  '/settings',
]

/** Pages are judged once they are quiet: loaded, and the live line open. */
async function settle(page: Page): Promise<void> {
  await expect(page.getByRole('heading', { level: 1 }).first()).toBeAttached()
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0)
  await expect(page.locator('[data-live="connected"]')).toBeVisible()
}

/** As it is first drawn, and then in the dark: there the colours are other, and nothing else. */
async function expectSound(page: Page, path: string): Promise<void> {
  await test.step(path, async () => {
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
    await page.goto(path)
    await settle(page)
    await expectNoSidewaysScroll(page)
    await expectAxeClean(page)
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    await settle(page)
    await expectAxeClean(page, { runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } })
  })
}

for (const [width, height] of [
  [320, 640],
  [768, 900],
  [1440, 900],
] as const)
  test(`staff pages are sound at ${String(width)} px, light and dark`, async ({ page }) => {
    test.setTimeout(360_000)
    const found = watchConsole(page)
    await page.setViewportSize({ width, height })
    await signIn(page, 'support')
    const site = await firstOf(page, '/sites?limit=1')
    const device = await firstOf(page, '/devices?limit=1')
    const customer = await firstOf(page, '/customers?limit=1')
    const ticket = await firstOf(page, '/tickets?limit=1')
    for (const path of [
      ...STAFF,
      `/sites/${site.id}`,
      `/sites/${site.id}?power=table&bars=table`,
      `/devices/${device.id}`,
      `/customers/${customer.id}`,
      `/tickets/${ticket.id}`,
    ])
      await expectSound(page, path)
    expect(found).toEqual([])
  })

test("the customer's pages are sound at 320 px, light and dark", async ({ page }) => {
  test.setTimeout(240_000)
  const found = watchConsole(page)
  await page.setViewportSize({ width: 320, height: 640 })
  await signIn(page, 'customer')
  const site = await firstOf(page, '/sites?limit=1')
  const device = await firstOf(page, '/devices?limit=1')
  for (const path of ['/portal', '/tickets', '/settings', `/sites/${site.id}`, `/devices/${device.id}`])
    await expectSound(page, path)
  expect(found).toEqual([])
})

test('a chosen theme stays, whatever the system says', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' })
  await signIn(page, 'support')
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = await ground()
  await page.getByRole('button', { name: /Your menu/ }).click()
  await page.getByRole('menuitemradio', { name: 'Dark' }).click()
  await expect.poll(ground).not.toBe(light)
  const dark = await ground()
  await page.reload()
  expect(await ground()).toBe(dark)
})

test('no button is cut off on a phone', async ({ page }) => {
  await signIn(page, 'support')
  await page.setViewportSize({ width: 320, height: 800 })
  for (const path of ['/fleet', '/fleet?view=cards', '/alarms', '/tickets', '/data', '/data?tab=unclaimed']) {
    await page.goto(path)
    await settle(page)
    const cut = await page.evaluate(() => {
      const found: string[] = []
      for (const button of document.querySelectorAll<HTMLElement>('main button, main a')) {
        const { right, width } = button.getBoundingClientRect()
        if (width === 0) continue
        for (let at = button.parentElement; at; at = at.parentElement) {
          const { overflowX } = getComputedStyle(at)
          // What scrolls can be brought into sight.
          if (overflowX === 'auto' || overflowX === 'scroll') break
          if (overflowX !== 'hidden') continue
          if (right > at.getBoundingClientRect().right + 1 && !button.classList.contains('truncate'))
            found.push(`${button.textContent?.trim() ?? ''} ${String(right)}`)
        }
      }
      return found
    })
    expect(cut, path).toEqual([])
  }
})

test('every target is at least 24 px, at any width', async ({ page }) => {
  await signIn(page, 'support')
  for (const width of [320, 1440]) {
    await page.setViewportSize({ width, height: 800 })
    await page.goto('/fleet')
    await settle(page)
    const small = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('button, select, input, [role="menuitem"], nav a')]
        .filter((element) => element.offsetParent !== null)
        // A box to tick is hit by its label as well.
        .map((element) => ({
          text: element.textContent?.trim() ?? '',
          box: (element.closest('label') ?? element).getBoundingClientRect(),
        }))
        .filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 24))
        .map(({ text, box }) => `${text} ${String(box.width)}x${String(box.height)}`),
    )
    expect(small).toEqual([])
  }
})
