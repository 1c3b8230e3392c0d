/** An instance of the data directory for one command alone: no page, no demo, ports nobody knows, gone afterwards. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from './cli-error.ts'

const LOOK_EVERY_MS = 50
const START_LIMIT_MS = 60_000
const COMPLAINT_BYTES = 4_000

export interface PrivateInstance {
  stop(): Promise<void>
}

/**
 * @param answers whether it can be reached
 * @throws CliError with what it said where it does not come up
 */
export async function startPrivate(answers: () => Promise<boolean>): Promise<PrivateInstance> {
  const child = fork(new URL('../bin/solo.ts', import.meta.url).pathname, {
    env: {
      ...process.env,
      HELIO_HTTP_HOST: '127.0.0.1',
      HELIO_HTTP_PORT: '0',
      HELIO_MQTT_HOST: '127.0.0.1',
      HELIO_MQTT_PORT: '0',
      // Set and empty: also over what `.env` says.
      HELIO_MQTTS_PORT: '',
      HELIO_DEMO: 'off',
      HELIO_LOG_LEVEL: 'error',
    },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let complaint = ''
  child.stderr!.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-COMPLAINT_BYTES)))
  const gone = once(child, 'exit')
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await gone
  }
  const until = Date.now() + START_LIMIT_MS
  while (child.exitCode === null && Date.now() < until) {
    if (await answers()) return { stop }
    await Promise.race([gone, sleep(LOOK_EVERY_MS)])
  }
  await stop()
  throw new CliError(complaint.trim() || 'no instance is running on this data directory, and none could be started')
}
