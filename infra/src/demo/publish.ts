/** Demo devices as the vendors' own devices would publish over MQTT. */
import type { Metrics } from '@heliograph/crm-core/contracts'
import type { Behaviour } from './behaviour.ts'
import { type DemoSite, UNCLAIMED_SERIAL } from './plan.ts'

export interface Publication {
  topic: string
  payload: string
}

const WRONG_CLOCK_MS = 2 * 3_600_000

/**
 * What one delivery of a connection consists of.
 * @param ts now, UTC milliseconds
 * @param silentFrom from when on the silent logger says nothing more
 */
export function publications(
  site: DemoSite,
  vendor: string,
  behaviours: readonly Behaviour[],
  ts: number,
  silentFrom: number,
): Publication[] {
  const speaking = behaviours.filter(({ device }) => device.trouble !== 'silent' || ts < silentFrom)
  switch (vendor) {
    case 'opendtu':
      return speaking.flatMap(({ device, metricsAt }) => opendtu(device.externalId, metricsAt(ts)))
    case 'victron':
      return speaking.flatMap(({ device, metricsAt }) => victron(device.externalId, metricsAt(ts)))
    case 'shelly':
      return speaking.flatMap(({ device, metricsAt }) => shelly(device.externalId, metricsAt(ts)))
    default:
      return [{ topic: 'readings', payload: JSON.stringify(native(site, speaking, ts)) }]
  }
}

function native(site: DemoSite, behaviours: readonly Behaviour[], ts: number): object[] {
  const readings = behaviours.map(({ device, metricsAt }) => {
    const metrics = metricsAt(ts)
    if (device.trouble === 'fault')
      return {
        device: device.externalId,
        ts,
        metrics: { ...metrics, ac_power_w: 0, dc_power_w: 0 },
        status: 'fault',
        faults: [{ code: 'F-24', text: 'insulation resistance too low', severity: 'critical' }],
      }
    return {
      device: device.externalId,
      ts: device.trouble === 'wrong-clock' ? ts + WRONG_CLOCK_MS : ts,
      metrics,
      status: metrics.ac_power_w! > 0 ? 'producing' : 'sleeping',
      faults: [],
    }
  })
  const unclaimed = site.devices.some(({ serial }) => serial.slice(0, -1) === UNCLAIMED_SERIAL.slice(0, -1))
  if (unclaimed && behaviours[0])
    readings.push({
      device: UNCLAIMED_SERIAL,
      ts,
      metrics: behaviours[0].metricsAt(ts),
      status: 'producing',
      faults: [],
    })
  return readings
}

function opendtu(serial: string, metrics: Metrics): Publication[] {
  const base = `solar/${serial}`
  return [
    { topic: `${base}/0/power`, payload: metrics.ac_power_w!.toFixed(1) },
    { topic: `${base}/0/yieldtotal`, payload: (metrics.energy_total_wh! / 1_000).toFixed(3) },
    { topic: `${base}/0/temperature`, payload: metrics.inverter_temp_c!.toFixed(1) },
    { topic: `${base}/status/reachable`, payload: '1' },
    { topic: `${base}/status/producing`, payload: metrics.ac_power_w! > 0 ? '1' : '0' },
  ]
}

function victron(externalId: string, metrics: Metrics): Publication[] {
  const value = (path: string, content: number): Publication => ({
    topic: `N/${externalId}/${path}`,
    payload: JSON.stringify({ value: content }),
  })
  if (metrics.battery_soc_pct !== undefined)
    // Victron counts charging positive.
    return [value('Soc', metrics.battery_soc_pct), value('Dc/0/Power', -metrics.battery_power_w!)]
  if (metrics.grid_power_w !== undefined)
    return [
      value('Ac/Power', metrics.grid_power_w),
      value('Ac/Energy/Forward', metrics.import_total_wh! / 1_000),
      value('Ac/Energy/Reverse', metrics.export_total_wh! / 1_000),
    ]
  return [value('Ac/Power', metrics.ac_power_w!), value('Ac/Energy/Forward', metrics.energy_total_wh! / 1_000)]
}

function shelly(prefix: string, metrics: Metrics): Publication[] {
  return [
    { topic: `${prefix}/status/em:0`, payload: JSON.stringify({ id: 0, total_act_power: metrics.grid_power_w }) },
    {
      topic: `${prefix}/status/emdata:0`,
      payload: JSON.stringify({ id: 0, total_act: metrics.import_total_wh, total_act_ret: metrics.export_total_wh }),
    },
  ]
}
