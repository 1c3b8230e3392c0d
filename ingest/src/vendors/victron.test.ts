import { describe, expect, it } from 'vitest'
import { victron } from './victron.ts'

const PORTAL = 'c0619ab12345'
const start = 1_700_000_000_000
type State = ReturnType<NonNullable<typeof victron.initialState>>

function publish(state: State, topic: string, payload: unknown, at: number) {
  const body = new TextEncoder().encode(payload === '' ? '' : JSON.stringify(payload))
  return victron.decode({ topic, body, transport: 'mqtt', receivedAt: start + at }, state)
}
const fresh = () => victron.initialState?.() as State

describe('victron', () => {
  it('asks each portal for a keepalive at most every 30 s', () => {
    const state = fresh()
    const asked = (portal: string, at: number) =>
      publish(state, `N/${portal}/system/0/Serial`, { value: portal }, at).downlinks?.map(({ topic, body }) => [
        topic,
        body,
      ]) ?? []
    expect(asked(PORTAL, 0)).toEqual([[`R/${PORTAL}/keepalive`, '']])
    expect(asked(PORTAL, 29_999)).toEqual([])
    expect(asked('other', 29_999)).toEqual([['R/other/keepalive', '']])
    expect(asked(PORTAL, 30_000)).toHaveLength(1)
  })

  it('keeps portals apart by their shard, also behind the prefix of a bridge', () => {
    expect(victron.shard?.(`N/${PORTAL}/grid/30/Ac/Power`)).toBe(PORTAL)
    expect(victron.shard?.(`bridge/N/${PORTAL}/grid/30/Ac/Power`)).toBe(PORTAL)
    expect(victron.shard?.('something/else')).toBe('')
  })

  it('tells the alarms of a phase from those of the device', () => {
    const state = fresh()
    const topic = (path: string) => `N/${PORTAL}/vebus/276/${path}`
    publish(state, topic('Alarms/L1/LowBattery'), { value: 0 }, 0)
    const { readings } = publish(state, topic('Alarms/L2/HighTemperature'), { value: 2 }, 100)
    expect(readings).toMatchObject([{ faults: [{ code: 'L2/HighTemperature', severity: 'major' }] }])
  })

  it('does not turn the counter of one phase into the total when the total was not repeated', () => {
    const state = fresh()
    const topic = (path: string) => `N/${PORTAL}/pvinverter/20/${path}`
    publish(state, topic('Ac/Energy/Forward'), { value: 12239.9 }, 0)
    publish(state, topic('Ac/L1/Energy/Forward'), { value: 6118.1 }, 53_000)
    const { readings } = publish(state, topic('Ac/Power'), { value: 1000 }, 70_000)
    expect(readings[0]?.metrics).toEqual({ ac_power_w: 1000 })
  })

  it('adds phases up only when all that the device has are known', () => {
    const state = fresh()
    const topic = (path: string) => `N/${PORTAL}/system/0/Ac/Consumption/${path}`
    publish(state, topic('NumberOfPhases'), { value: 3 }, 0)
    expect(publish(state, topic('L1/Power'), { value: 100 }, 1).readings).toEqual([])
    publish(state, topic('L2/Power'), { value: 200 }, 2)
    expect(publish(state, topic('L3/Power'), { value: 300 }, 3).readings[0]?.metrics).toEqual({ load_power_w: 600 })
  })

  it('forgets a value that became null, and keeps the row in which it was known', () => {
    const state = fresh()
    const topic = `N/${PORTAL}/grid/30/Ac/Power`
    publish(state, topic, { value: 5 }, 0)
    publish(state, `N/${PORTAL}/grid/30/Ac/Frequency`, { value: 50 }, 0)
    const { readings } = publish(state, topic, { value: null }, 2000)
    expect(readings.map(({ ts, metrics }) => [ts - start, metrics])).toEqual([[2000, { frequency_hz: 50 }]])
  })

  it('tells a lost device once, and that it is back in a row of its own', () => {
    const state = fresh()
    const topic = (path: string) => `N/${PORTAL}/battery/1/${path}`
    publish(state, topic('Soc'), { value: 50 }, 0)
    expect(publish(state, topic('Soc'), '', 500).readings).toMatchObject([
      { ts: start + 500, status: 'unreachable', metrics: {} },
    ])
    expect(publish(state, topic('Dc/0/Power'), '', 501).readings).toEqual([])
    expect(publish(state, topic('Dc/0/Power'), { value: 70 }, 900).readings).toMatchObject([
      { ts: start + 900, metrics: { battery_power_w: -70 } },
    ])
  })

  it('rejects a bad value once, not with every message of its window', () => {
    const state = fresh()
    const topic = (path: string) => `N/${PORTAL}/grid/30/${path}`
    expect(publish(state, topic('Ac/Power'), { value: 1e30 }, 0).rejected).toMatchObject([{ reason: 'out-of-bounds' }])
    const next = publish(state, topic('Ac/Frequency'), { value: 50 }, 1)
    expect(next.rejected).toBeUndefined()
    expect(next.readings[0]?.metrics).toEqual({ frequency_hz: 50 })
  })

  it('stays small under any number of portals, devices and paths', () => {
    const state = fresh()
    for (let i = 0; i < 3000; i++) {
      publish(state, `N/portal${i % 150}/grid/${i}/Ac/Power`, { value: i }, i)
      publish(state, `N/${PORTAL}/grid/${i}/Alarms/A${i}`, { value: 1 }, i)
      publish(state, `N/${PORTAL}/grid/1/Alarms/B${i}`, { value: 1 }, i)
    }
    expect(Object.keys(state.portals).length).toBeLessThanOrEqual(100)
    expect(JSON.stringify(state).length).toBeLessThan(200_000)
  })

  it('takes messages that a bridge forwards by HTTP', () => {
    const body = [
      { topic: `N/${PORTAL}/grid/30/Ac/Power`, payload: { value: 5 } },
      { topic: `N/${PORTAL}/grid/30/Ac/Frequency`, payload: '{"value": 49.9}' },
    ]
    const message = {
      body: new TextEncoder().encode(JSON.stringify(body)),
      transport: 'webhook',
      receivedAt: start,
    } as const
    expect(victron.decode(message, fresh()).readings).toMatchObject([
      { metrics: { grid_power_w: 5, frequency_hz: 49.9 } },
    ])
  })
})
