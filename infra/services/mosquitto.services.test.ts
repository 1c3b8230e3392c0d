/** The broker that stands for a tenant's own: it knows one login and refuses others. */
import { connectAsync } from 'mqtt'
import { describe, expect, it } from 'vitest'
import { needService } from './for-tests.ts'

describe('Mosquitto as a service', () => {
  it('takes the login of its address and no other', async () => {
    const mosquitto = await needService('mosquitto')
    const client = await connectAsync(mosquitto.url(), { reconnectPeriod: 0 })
    const received = new Promise<string>((resolve) => client.on('message', (_topic, body) => resolve(body.toString())))
    await client.subscribeAsync('services/#', { qos: 1 })
    await client.publishAsync('services/test', 'hello', { qos: 1 })
    expect(await received).toBe('hello')
    await client.endAsync()
    const stranger = new URL(mosquitto.url())
    stranger.password = 'guessed'
    await expect(connectAsync(stranger.href, { reconnectPeriod: 0 })).rejects.toThrow(/not authori[sz]ed/i)
  })
})
