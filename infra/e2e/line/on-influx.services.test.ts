/** The line with raw curves in InfluxDB: what a device says is drawn from there, and while it is away from the warehouse. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeviceId, TenantId } from '@heliograph/crm-core/contracts'
import { ownService } from '../../services/for-tests.ts'
import { createInfluxSeries } from '../../src/series/influx.ts'
import { influxOptions } from '../../src/series/influx-options.ts'
import type { Api, ConnectionMade } from './api.ts'
import { claimed } from './claimed.ts'
import { Instance } from './instance.ts'
import { connect, native, publish } from './sender.ts'
import { until } from './until.ts'

describe('raw curves in InfluxDB', { timeout: 240_000 }, () => {
  let influx: Awaited<ReturnType<typeof ownService>>
  let instance: Instance
  let api: Api
  let connection: ConnectionMade
  let deviceId: string
  /** A minute ago, so that nothing is in the future. */
  const start = Date.now() - 60_000
  const sent: number[] = []

  beforeAll(async () => {
    influx = await ownService('influxdb')
    instance = await Instance.start({ env: { HELIO_SERIES_URL: influx.url() } })
    api = await instance.api()
    connection = await api.connection()
    deviceId = await claimed(instance, api, { connection, siteId: await api.site() }, 'curve')
  })
  afterAll(async () => {
    await instance?.remove()
    await influx?.remove()
  })

  async function send(count: number): Promise<void> {
    const client = await connect(instance, connection)
    for (let index = 0; index < count; index++) {
      const power = 1_000 + sent.length
      await publish(client, native('curve', start + sent.length * 100, { ac_power_w: power }))
      sent.push(power)
    }
    await client.endAsync()
  }
  /** What a page is given. */
  async function drawn(): Promise<number[]> {
    const query = new URLSearchParams({
      scope: `device:${deviceId}`,
      metric: 'ac_power_w',
      bucket: 'raw',
      width: '10000',
      from: String(start),
      to: String(start + 60_000),
    })
    const { series } = await api.get<{ series: { points: { avg: number }[] }[] }>(`/series?${query.toString()}`)
    return series[0]!.points.map(({ avg }) => avg)
  }
  /** What InfluxDB itself holds. */
  async function held(): Promise<number[]> {
    const { tenant } = await api.get<{ tenant: { id: string } }>('/me')
    const points = await createInfluxSeries(influxOptions(new URL(influx.url()))).curve({
      tenantId: tenant.id as TenantId,
      deviceId: deviceId as DeviceId,
      metric: 'ac_power_w',
      from: start,
      to: start + 60_000,
      stepMs: 1,
    })
    return points.map(({ avg }) => avg)
  }

  it('holds what was claimed and what comes in, and the page is drawn from it', async () => {
    await send(20)
    await until('InfluxDB has them', async () => (await held()).length === sent.length)
    expect(await held()).toEqual(sent)
    expect(await drawn()).toEqual(sent)
  })

  it('delays nobody while it is away: pages are drawn from the warehouse, and it has everything when it is back', async () => {
    await influx.kill()
    await send(20)
    await until('the warehouse has them', async () => (await drawn()).length === sent.length)
    expect(await drawn()).toEqual(sent)
    const ready = async () =>
      (await (await fetch(`${instance.url}/readyz`)).json()) as {
        status: string
        parts: { name: string; state: string }[]
      }
    await until('it is told', async () =>
      (await ready()).parts.some(({ name, state }) => name === 'series' && state === 'down'),
    )
    await influx.start()
    await until('InfluxDB has them', async () => (await held()).length === sent.length)
    expect(await held()).toEqual(sent)
    await until('ready again', async () => (await ready()).status === 'ready')
  })
})
