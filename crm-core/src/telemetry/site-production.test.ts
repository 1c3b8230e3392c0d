import { describe, expect, it } from 'vitest'
import type { DeviceId, DeviceKind, DeviceRole, RegistryDevice, SiteId, TenantId } from '@heliograph/crm-core/contracts'
import { combineSite, productionSources, type DeviceValues } from './site-production.ts'

function device(id: string, kind: DeviceKind, role: DeviceRole, more: Partial<RegistryDevice> = {}): RegistryDevice {
  return {
    id: id as DeviceId,
    tenantId: 't' as TenantId,
    siteId: 's' as SiteId,
    name: id,
    kind,
    vendor: 'native',
    serial: id,
    roles: [{ role, from: 0 }],
    links: [],
    sites: [{ siteId: 's' as SiteId, from: 0 }],
    ...more,
  }
}
const values = (energyWh: number, power: number): DeviceValues => ({
  energyWh,
  method: 'counter',
  gauges: { ac_power_w: { avg: power, min: power, max: power } },
})
const gateway = device('gateway', 'gateway', 'production')
const micros = Array.from({ length: 41 }, (_, index) =>
  device(`micro-${index}`, 'inverter', 'production', { parentId: gateway.id }),
)
const meter = device('meter', 'meter', 'production')
const plant = [gateway, ...micros, meter]

describe('what counts once', () => {
  const everything = (one: RegistryDevice): DeviceValues =>
    one === gateway ? values(4100, 8200) : one === meter ? values(4000, 8000) : values(100, 200)

  it('counts a gateway, its 41 micro-inverters and a meter once', () => {
    expect(combineSite(plant, 1, everything)).toMatchObject({
      energyWh: 4000,
      source: 'meter',
      gauges: { ac_power_w: { avg: 8000 } },
    })
    expect(combineSite(plant, 1, (one) => (one === meter ? undefined : everything(one)))).toMatchObject({
      energyWh: 4100,
      source: 'inverters',
      gauges: { ac_power_w: { avg: 8200 } },
    })
    expect(combineSite(plant, 1, (one) => (one === gateway ? everything(one) : undefined))).toMatchObject({
      energyWh: 4100,
      source: 'gateway',
    })
    expect(combineSite(plant, 1, () => undefined)).toEqual({ estimatedWh: 0, gauges: {} })
  })
  it('takes power and energy from where each is known', () => {
    const result = combineSite(plant, 1, (one) =>
      one === meter ? { energyWh: 4000, method: 'counter', gauges: {} } : everything(one),
    )
    expect(result).toMatchObject({ energyWh: 4000, source: 'meter', gauges: { ac_power_w: { avg: 8200 } } })
  })
  it('looks at roles on the day in question', () => {
    const moved = {
      ...meter,
      roles: [
        { role: 'grid' as const, from: 0, to: 100 },
        { role: 'production' as const, from: 100 },
      ],
    }
    const choose = (at: number) => productionSources([gateway, ...micros, moved], at, () => true)?.source
    expect(choose(99)).toBe('inverters')
    expect(choose(100)).toBe('meter')
  })
  it('does not take one of two meters for the whole plant', () => {
    const second = device('meter-2', 'meter', 'production')
    expect(productionSources([...plant, second], 1, (one) => one !== second)?.source).toBe('inverters')
    expect(productionSources([meter, second], 1, (one) => one !== second)?.devices).toEqual([meter])
  })
  it('survives parents in a circle', () => {
    const a = device('a', 'inverter', 'production', { parentId: 'b' as DeviceId })
    const b = device('b', 'inverter', 'production', { parentId: 'a' as DeviceId })
    expect(() => productionSources([a, b], 1, () => true)).not.toThrow()
  })
  it('takes grid, battery and weather from the devices of that role', () => {
    const grid = device('grid', 'meter', 'grid')
    const weather = device('weather', 'weather', 'irradiance')
    const gauge = (avg: number) => ({ avg, min: avg, max: avg })
    const result = combineSite([...plant, grid, weather], 1, (one) => {
      if (one === grid)
        return { importWh: 10, exportWh: 20, gauges: { grid_power_w: gauge(-500), ac_power_w: gauge(1) } }
      if (one === weather) return { gauges: { irradiance_wm2: gauge(800), ambient_temp_c: gauge(20) } }
      if (one === gateway)
        return { ...everything(one), importWh: 99, gauges: { grid_power_w: gauge(-400), battery_power_w: gauge(7) } }
      return everything(one)
    })
    expect(result).toMatchObject({ importWh: 10, exportWh: 20, energyWh: 4000 })
    expect(result.gauges).toMatchObject({
      grid_power_w: gauge(-500),
      battery_power_w: gauge(7),
      irradiance_wm2: gauge(800),
      ambient_temp_c: gauge(20),
    })
  })
})
