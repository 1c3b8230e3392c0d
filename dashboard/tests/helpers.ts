import axe from 'axe-core'
import { expect, type Cookie, type Locator, type Page } from '@playwright/test'

export const PASSWORD = process.env['HELIO_DEMO_PASSWORD'] ?? 'heliograph-demo'
export type DemoRole = 'admin' | 'support' | 'sales' | 'analyst' | 'customer'

/** Of this worker: a form filled in for every test is a minute or two of a run, and signing in has tests of its own. */
const sessions = new Map<DemoRole, Cookie[]>()

/** A page somebody is signed in to, at their home page: by a session from before while it is good, else by the form. */
export async function signIn(page: Page, role: DemoRole): Promise<void> {
  const known = sessions.get(role)
  if (known) {
    await page.context().addCookies(known)
    await page.goto('/')
    await page.waitForURL(({ pathname }) => pathname !== '/')
    if (!new URL(page.url()).pathname.startsWith('/sign-in')) return await framed(page)
  }
  await signInByForm(page, role)
  sessions.set(role, await page.context().cookies())
}
/** As a person does, and waits for their home page. */
export async function signInByForm(page: Page, role: DemoRole): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel('Email').fill(`${role}@demo.test`)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
  await framed(page)
}
/** To the instance without a demo, as the administrator that the page tests' script makes there. */
export async function signInEmpty(page: Page): Promise<void> {
  const url = process.env['HELIO_EMPTY_URL']
  if (url === undefined) throw new Error('HELIO_EMPTY_URL says where an empty instance is')
  await page.goto(`${url}/sign-in`)
  await page.getByLabel('Email').fill('admin@empty.test')
  await page.getByLabel('Password').fill(process.env['HELIO_EMPTY_PASSWORD'] ?? '')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(({ pathname }) => !pathname.startsWith('/sign-in'))
  await framed(page)
}
/** The address is there before the frame is: keys pressed in between would be nobody's. */
const framed = (page: Page): Promise<void> => page.locator('main#content').waitFor()

/** Goes by `g` and a letter. The second key has to follow soon, which a browser that is busy drawing may not let it: then once more. */
export async function goByKeys(page: Page, key: string, path: string): Promise<void> {
  await expect(async () => {
    await page.keyboard.press('g')
    await page.keyboard.press(key)
    await page.waitForURL(path, { timeout: 5_000 })
  }).toPass({ timeout: 60_000 })
}

/** Goes with Tab alone until something has the focus, as somebody without a mouse does. */
export async function tabTo(page: Page, target: Locator, most = 120): Promise<void> {
  await target.waitFor()
  for (let presses = 0; presses < most; presses++) {
    if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) return
    await page.keyboard.press('Tab')
  }
  await expect(target, `is reached by ${String(most)} presses of Tab`).toBeFocused()
}

/** Collects what a person with the console open would frown at. Answers of the API that a test provokes are not among it. */
export function watchConsole(page: Page): string[] {
  const found: string[] = []
  page.on('pageerror', (error) => found.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    if (/Failed to load resource/.test(message.text())) return
    found.push(`${message.type()}: ${message.text()}`)
  })
  return found
}

/** Asked until it is so: a chart is drawn anew a moment after the window got another width. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const beyond = () =>
    page.evaluate(() => {
      const main = document.querySelector('main')
      return Math.max(
        document.documentElement.scrollWidth - window.innerWidth,
        main ? main.scrollWidth - main.clientWidth : 0,
      )
    })
  await expect.poll(beyond, 'pixels beyond the width').toBeLessThanOrEqual(0)
}

interface AxeResults {
  violations: { id: string; help: string; nodes: { target: unknown[]; failureSummary?: string }[] }[]
}
const AXE_RULES = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }
/**
 * Accessibility of the page as it is: WCAG 2.2 AA and best practices.
 * @param options of axe: what to look for instead
 */
export async function expectAxeClean(page: Page, options: object = AXE_RULES): Promise<void> {
  // By the debugger: the page's own policy lets no foreign script in, and it should stay that way.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(async (asked) => {
    const runner = (
      globalThis as unknown as { axe: { run: (context: Document, options: object) => Promise<AxeResults> } }
    ).axe
    return await runner.run(document, asked)
  }, options)
  const told = violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes
        .slice(0, 4)
        .map((node) => `  ${JSON.stringify(node.target)} ${node.failureSummary ?? ''}`)
        .join('\n')}`,
  )
  expect(told.join('\n')).toBe('')
}

/** The first site there is, by the API that the pages use. */
export async function firstOf(page: Page, path: string): Promise<{ id: string } & Record<string, unknown>> {
  const answer = await page.evaluate(async (address) => {
    const response = await fetch(`/api/v1${address}`)
    return (await response.json()) as { items: ({ id: string } & Record<string, unknown>)[] }
  }, path)
  const item = answer.items[0]
  if (!item) throw new Error(`the demo has nothing under ${path}`)
  return item
}

export interface Webhook {
  id: string
  send: (body: string) => Promise<number>
}
/** A connection of its own, by which a test sends what it wants to see: one that proves itself by user name and secret. */
export async function makeWebhook(page: Page, name: string): Promise<Webhook> {
  const made = await page.evaluate(async (connectionName) => {
    const response = await fetch('/api/v1/connections', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: connectionName, vendor: 'native', transport: 'webhook', scheme: 'basic' }),
    })
    return (await response.json()) as { id: string; username: string; secret: string }
  }, name)
  const address = new URL(`/ingest/v1/webhooks/${made.id}`, page.url())
  const authorization = `Basic ${Buffer.from(`${made.username}:${made.secret}`).toString('base64')}`
  return {
    id: made.id,
    send: async (body) => {
      const headers = { 'content-type': 'application/json', authorization }
      return (await fetch(address, { method: 'POST', headers, body })).status
    },
  }
}

/** A customer and a site of theirs, by the API that the pages use. @param site what it has beside its name @returns its id */
export async function makeSite(page: Page, site: { name: string; [field: string]: unknown }): Promise<string> {
  return await page.evaluate(async (wanted) => {
    const post = async (path: string, body: object): Promise<string> => {
      const answer = await fetch(`/api/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
      return ((await answer.json()) as { id: string }).id
    }
    const customerId = await post('customers', { name: wanted.name })
    return await post('sites', { timezone: 'Europe/Berlin', ...wanted, customerId })
  }, site)
}

/** Claims a device that has just spoken, by the API that the pages use. @returns its id */
export async function claimHeard(
  page: Page,
  device: { serial: string; siteId: string; kind: 'inverter' | 'meter' },
): Promise<string> {
  return await page.evaluate(async ({ serial, siteId, kind }) => {
    // Heard is what the line has taken in: on a busy machine that takes a while.
    for (let tries = 0; tries < 300; tries++) {
      const found = (await (await fetch(`/api/v1/unclaimed?q=${encodeURIComponent(serial)}`)).json()) as {
        items: { id: string }[]
      }
      if (found.items[0]) {
        const answer = await fetch(`/api/v1/unclaimed/${found.items[0].id}/claim`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ siteId, name: serial, kind }),
        })
        if (answer.ok) return ((await answer.json()) as { deviceId: string }).deviceId
      }
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    throw new Error(`${serial} was never heard`)
  }, device)
}

/** Somebody else is faster: right before the page's next change of a record arrives, theirs does. */
export async function beforeNextChange(page: Page, path: string, theirs: object): Promise<void> {
  const address = new URL(`/api/v1${path}`, page.url())
  let done = false
  await page.route(address.href, async (route) => {
    const method = route.request().method()
    if (!done && (method === 'PATCH' || method === 'PUT')) {
      done = true
      const answer = await page.request.fetch(address.href, {
        method,
        data: theirs,
        headers: { origin: address.origin },
      })
      expect(answer.status(), await answer.text()).toBe(200)
    }
    await route.continue()
  })
}
