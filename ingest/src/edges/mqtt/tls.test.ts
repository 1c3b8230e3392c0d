import { connect as connectSocket } from 'node:net'
import mqtt from 'mqtt'
import { afterEach, expect, it } from 'vitest'
import { type Harness, startEdge, text, until } from './edge.fixture.ts'
import { selfSigned } from './self-signed.fixture.ts'

let harness: Harness
afterEach(() => harness.stop())

it('TLS stands beside the plain listener, with the same rules', async () => {
  const { cert, key } = selfSigned()
  harness = await startEdge({ tls: { port: 0, cert, key } })
  const { plain, tls } = harness.edge.ports()
  expect(tls).not.toBe(plain)
  const options = { username: 'alpha', ca: cert, servername: 'localhost', reconnectPeriod: 0 }
  const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${tls}`, { ...options, password: 'alpha-secret' }, false)
  await client.publishAsync('readings', 'x'.repeat(200_000), { qos: 1 })
  expect(text(harness.log.stored[0]!.body)).toHaveLength(200_000)
  await expect(mqtt.connectAsync(`mqtts://127.0.0.1:${tls}`, { ...options, password: 'wrong' }, false)).rejects.toThrow(
    /bad username/i,
  )
  // A plain client at the TLS port is turned away, the listener goes on.
  const lost = connectSocket({ host: '127.0.0.1', port: tls! }, () => lost.write('GET / HTTP/1.1\r\n\r\n'))
  lost.on('error', () => {})
  await new Promise((resolve) => lost.once('close', resolve))
  await until(() => harness.counters.get('helio_mqtt_refused_total protocol') === 1)
  await client.publishAsync('readings', 'again', { qos: 1 })
  harness.revoke({ connectionId: 'connection-alpha' })
  await until(() => !client.connected)
})
