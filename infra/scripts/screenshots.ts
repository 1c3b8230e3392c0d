/**
 * The pictures of README and docs, made anew from a demo instance of its own: `npm run screenshots`. What is live differs from one run
 * to the next; sizes and places do not. Needs Debian's Chromium and a build of the pages.
 */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Locator, type Page } from '@playwright/test'
import { historyIn, root, signIn, startInstance } from './page-instance.ts'

const FOLDER = join(root, 'infra/docs/images')
/** A picture larger than this has no place in a repository. */
const MAX_BYTES = 300 * 1024
/** History of a month is brought in first, so that charts have something to show. */
const LOADED_LIMIT_MS = 60_000

interface Shot {
  name: string
  who: 'support' | 'customer'
  /** Path, or one found by asking the API. */
  path: string | ((page: Page) => Promise<string>)
  scheme: 'light' | 'dark'
  width?: number
  height?: number
}
const bestSite = async (page: Page): Promise<string> =>
  await page.evaluate(async () => {
    const { items } = (await (await fetch('/api/v1/sites?limit=100')).json()) as {
      items: { id: string; status: string }[]
    }
    return `/sites/${(items.find(({ status }) => status === 'producing') ?? items[0])!.id}`
  })
const SHOTS: readonly Shot[] = [
  { name: 'fleet', who: 'support', path: '/fleet', scheme: 'light' },
  { name: 'site', who: 'support', path: bestSite, scheme: 'light', height: 1100 },
  { name: 'map', who: 'support', path: '/map', scheme: 'dark' },
  { name: 'alarms', who: 'support', path: '/alarms', scheme: 'light' },
  { name: 'tickets', who: 'support', path: '/tickets?view=board', scheme: 'light' },
  { name: 'data-desk', who: 'support', path: '/data?tab=health', scheme: 'light' },
  { name: 'portal', who: 'customer', path: '/portal', scheme: 'light', width: 390, height: 800 },
]

const instance = await startInstance({ HELIO_DEMO: 'on', HELIO_DEMO_DAYS: process.env['HELIO_DEMO_DAYS'] ?? '35' })
const browser = await chromium.launch({
  executablePath: process.env['HELIO_CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
})
let failed = false
try {
  mkdirSync(FOLDER, { recursive: true })
  const first = await browser.newPage()
  await historyIn(first, instance)
  await first.close()
  for (const { name, who, path, scheme, width = 1280, height = 800 } of SHOTS) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
      reducedMotion: 'reduce',
    })
    const page = await context.newPage()
    await signIn(page, instance, who)
    await page.goto(instance.url + (typeof path === 'string' ? path : await path(page)))
    await page.locator('[data-live="connected"]').waitFor()
    await gone(page.locator('[aria-busy="true"], [data-land="loading"]'))
    // Charts draw after what they show has come.
    await sleep(3_000)
    const file = join(FOLDER, `${name}.png`)
    await page.screenshot({ path: file })
    const { size } = statSync(file)
    const large = size > MAX_BYTES
    failed ||= large
    console.log(`${large ? 'too large' : 'made     '} ${name}.png ${Math.round(size / 1024)} KiB`)
    await context.close()
  }
} finally {
  await browser.close()
  await instance.stop()
}
process.exit(failed ? 1 : 0)

/** Asked from outside: the pages' own policy lets nobody evaluate text in them. */
async function gone(found: Locator): Promise<void> {
  for (const end = Date.now() + LOADED_LIMIT_MS; (await found.count()) > 0; await sleep(200))
    if (Date.now() > end) throw new Error(`still loading after ${LOADED_LIMIT_MS} ms`)
}
