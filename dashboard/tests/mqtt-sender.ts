import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, type Page } from '@playwright/test'

export interface Sender {
  /** Resolves with the time, UTC milliseconds, at which the broker has acknowledged. */
  publish: (message: string) => Promise<number>
  stop: () => Promise<void>
}
/** A real MQTT client on a connection of its own: a line in is a message out. */
export async function mqttSender(page: Page, name: string): Promise<Sender> {
  const made = await page.evaluate(async (connectionName) => {
    const answer = await fetch('/api/v1/connections', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: connectionName, vendor: 'native', transport: 'mqtt' }),
    })
    return (await answer.json()) as { username: string; secret: string }
  }, name)
  const script = `import mqtt from 'mqtt'
    import { createInterface } from 'node:readline'
    const [url, username, password] = process.argv.slice(1)
    const client = await mqtt.connectAsync(url, { username, password, clientId: username })
    console.log('connected')
    for await (const line of createInterface(process.stdin)) {
      await client.publishAsync('readings', line, { qos: 1 })
      process.stdout.write(String(Date.now()) + '\\n')
    }
    await client.endAsync()`
  const url = process.env['HELIO_MQTT_URL']
  if (url === undefined) throw new Error('HELIO_MQTT_URL says where the broker is')
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, url, made.username, made.secret], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('connected')
  return {
    publish: async (message) => {
      child.stdin.write(`${message}\n`)
      return Number((await lines.next()).value)
    },
    stop: async () => {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}
