/** The page tests in Chromium, against a whole instance of their own with the demo in it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const root = join(import.meta.dirname, '../..')
const START_LIMIT_MS = 120_000

const dataDir = mkdtempSync(join(tmpdir(), 'heliograph-pages-'))
const [httpPort, mqttPort] = [await freePort(), await freePort()]
const url = `http://127.0.0.1:${httpPort}`
const server = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'infra/src/bin/solo.ts'], {
  cwd: root,
  env: {
    ...process.env,
    HELIO_DATA_DIR: dataDir,
    HELIO_HTTP_PORT: String(httpPort),
    HELIO_MQTT_PORT: String(mqttPort),
    HELIO_DEMO: 'on',
    HELIO_LOG_LEVEL: 'error',
  },
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
})
const exited = once(server, 'exit')
let status = 1
try {
  await answers(`${url}/readyz`)
  const tests = spawn('playwright', ['test', ...process.argv.slice(2)], {
    cwd: join(root, 'dashboard'),
    env: { ...process.env, HELIO_URL: url, HELIO_MQTT_URL: `mqtt://127.0.0.1:${mqttPort}` },
    stdio: 'inherit',
  })
  const [code] = (await once(tests, 'exit')) as [number | null]
  status = code ?? 1
} catch (error) {
  console.error(error)
} finally {
  server.kill('SIGTERM')
  await exited
  rmSync(dataDir, { recursive: true, force: true })
}
process.exit(status)

async function answers(address: string): Promise<void> {
  const end = Date.now() + START_LIMIT_MS
  while (Date.now() < end) {
    if (server.exitCode !== null) throw new Error('the server ended at start')
    const response = await fetch(address).catch(() => undefined)
    if (response?.ok) return
    await sleep(250)
  }
  throw new Error(`the server did not answer in ${START_LIMIT_MS / 1_000} s`)
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}
