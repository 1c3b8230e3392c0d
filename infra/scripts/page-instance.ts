/** A whole instance of its own for scripts that look at pages: its data in a temporary folder, on free ports, gone when stopped. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from '@playwright/test'
import { freePort } from '../src/process/free-port.ts'

export const root = join(import.meta.dirname, '../..')
const START_LIMIT_MS = 120_000
const HISTORY_LIMIT_MS = 10 * 60_000
const DEMO_PASSWORD = process.env['HELIO_DEMO_PASSWORD'] ?? 'heliograph-demo'

export interface PageInstance {
  url: string
  mqttUrl: string
  dataDir: string
  stop(): Promise<void>
}

/** What the tests themselves are told; a server refuses settings that it does not know. */
const OF_TESTS = /^HELIO_(CHROMIUM|SLOWNESS|CHART_SECONDS|FLEET_SECONDS)$/
const inherited = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_TESTS.test(name)))

/** As long as a service manager waits, and long enough for a page to notice. */
const RESTART_MS = 5_000

interface InstanceOptions {
  /** One that is killed is started again, as a service manager does. */
  isKept?: boolean
  /** Gives way to whoever else wants the processor: a phone does not share it with the server. */
  isPolite?: boolean
}
/** @param settings of the environment, beside the ports and the folder */
export async function startInstance(
  settings: Readonly<Record<string, string>>,
  { isKept = false, isPolite = false }: InstanceOptions = {},
): Promise<PageInstance> {
  const dataDir = mkdtempSync(join(tmpdir(), 'heliograph-pages-'))
  const [httpPort, mqttPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${httpPort}`
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', 'infra/src/bin/solo.ts']
  if (isPolite) command.unshift('nice', '-n', '19')
  let isStopping = false
  const spawnServer = (): ChildProcess =>
    spawn(command[0]!, command.slice(1), {
      cwd: root,
      env: {
        ...inherited(),
        HELIO_DATA_DIR: dataDir,
        HELIO_HTTP_PORT: String(httpPort),
        HELIO_MQTT_PORT: String(mqttPort),
        HELIO_LOG_LEVEL: 'error',
        ...settings,
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
  let server = spawnServer()
  async function keep(): Promise<void> {
    while (!isStopping) {
      await ended(server)
      await sleep(RESTART_MS)
      if (!isStopping) server = spawnServer()
    }
  }
  async function stop(): Promise<void> {
    isStopping = true
    server.kill('SIGTERM')
    await ended(server)
    rmSync(dataDir, { recursive: true, force: true })
  }
  const end = Date.now() + START_LIMIT_MS
  while (Date.now() < end) {
    if (server.exitCode !== null) break
    const response = await fetch(`${url}/readyz`).catch(() => undefined)
    if (response?.ok) {
      if (isKept) void keep()
      return { url, dataDir, mqttUrl: `mqtt://127.0.0.1:${mqttPort}`, stop }
    }
    await sleep(250)
  }
  const why = server.exitCode === null ? `did not answer in ${START_LIMIT_MS / 1_000} s` : 'ended at start'
  await stop()
  throw new Error(`the server ${why}`)
}
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** Signs a person of the demo in by the page, and waits for what they see first. */
export async function signIn(page: Page, { url }: PageInstance, who: 'support' | 'customer'): Promise<void> {
  await page.goto(`${url}/sign-in`)
  await page.getByLabel('Email').fill(`${who}@demo.test`)
  await page.getByLabel('Password').fill(DEMO_PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(({ pathname }) => !pathname.startsWith('/sign-in'))
}

/**
 * Resolves when the demo's history is in, stored and rolled up: pages have what they show, and the machine is calm.
 * @param page nobody is signed in to; support is then
 */
export async function historyIn(page: Page, instance: PageInstance): Promise<void> {
  const end = Date.now() + HISTORY_LIMIT_MS
  const state = join(instance.dataDir, 'demo.json')
  while ((JSON.parse(readFileSync(state, 'utf8')) as { historyJob?: number }).historyJob !== undefined) {
    if (Date.now() > end) throw new Error('the history of the demo does not come in')
    await sleep(2_000)
  }
  await signIn(page, instance, 'support')
  const settle = async () => (await fetch('/api/v1/status/settle', { method: 'POST' })).ok
  while (!(await page.evaluate(settle))) {
    if (Date.now() > end) throw new Error('the history of the demo is not rolled up')
    await sleep(2_000)
  }
}
