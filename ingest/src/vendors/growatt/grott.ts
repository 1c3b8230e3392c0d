import type { DecodedReading, DeviceStatus } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import { finiteOf, integerOf, isRecord, reading, timeOf, wordsOf } from '../../vocabulary/index.ts'
import { errorFault } from './faults.ts'

/**
 * What a proxy between a ShineWiFi / ShineLan data logger and the vendor's cloud publishes (Grott): the fields of the logger's
 * record by name, as the whole numbers they are on the wire. Tenths of W, V, A, kWh and °C, hundredths of Hz.
 */
export const isGrott = (
  body: Record<string, unknown>,
): body is { values: Record<string, unknown> } & Record<string, unknown> =>
  isRecord(body.values) &&
  typeof body.device === 'string' &&
  Object.keys(body.values).some((key) => key.startsWith('pv') || key === 'datalogserial')

const TENTH = { voltage_v: 0.1, current_a: 0.1, power_w: 0.1 }
const STATUS: Readonly<Record<number, DeviceStatus>> = { 0: 'standby', 1: 'producing', 3: 'fault' }

export function grottReading(
  body: { values: Record<string, unknown> } & Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const v = body.values
  const device = wordsOf(v.pvserial, 60) ?? wordsOf(body.device, 60)
  if (device === undefined) return []
  // Records that the logger kept while offline are sent later with their own time; `time` is local and has no zone.
  const built = reading(device, timeOf(body.time, message), rejected)
    .metric('ac_power_w', v.pvpowerout, 0.1)
    .metric('dc_power_w', v.pvpowerin, 0.1)
    .metric('frequency_hz', v.pvfrequentie ?? v.pvfrequency, 0.01)
    .metric('energy_day_wh', v.pvenergytoday, 100)
    .metric('energy_total_wh', v.pvenergytotal, 100)
    .metric('inverter_temp_c', v.pvtemperature, 0.1)
    .metric('battery_soc_pct', v.SOC)
    .metric('import_total_wh', v.etouser_total ?? v.etousertotal, 100)
    .metric('export_total_wh', v.etogrid_total ?? v.etogridtotal, 100)
    .metric('load_power_w', v.plocaloadrtotal ?? v.plocaloadr, 0.1)
    .extraNumber('pvipmtemperature', v.pvipmtemperature, 0.1)
    .extra('buffered', body.buffered === 'yes')
    .attributes({ kind: 'inverter', serial: device, parent: wordsOf(v.datalogserial, 60) })
  for (let i = 0; i < 4; i++) {
    const input = `pv${i + 1}`
    built.dc(i, { voltage_v: v[`${input}voltage`], current_a: v[`${input}current`], power_w: v[`${input}watt`] }, TENTH)
  }
  for (let i = 0; i < 3; i++) {
    const phase = i === 0 ? '' : String(i + 1)
    const volts = v[`pvgridvoltage${phase}`]
    // Single-phase records have the other phases with zeros: a phase without voltage is none.
    if (i > 0 && (finiteOf(volts) ?? 0) === 0) continue
    built.ac(i, { voltage_v: volts, current_a: v[`pvgridcurrent${phase}`], power_w: v[`pvgridpower${phase}`] }, TENTH)
  }
  const [charge, discharge] = [finiteOf(v.p1charge1 ?? v.pcharge1), finiteOf(v.pdischarge1)]
  if (charge !== undefined || discharge !== undefined)
    built.metric('battery_power_w', (discharge ?? 0) - (charge ?? 0), 0.1)
  const [toUser, toGrid] = [finiteOf(v.pactouserr ?? v.pactousertot), finiteOf(v.pactogridr ?? v.pactogridtot)]
  if (toUser !== undefined || toGrid !== undefined) built.metric('grid_power_w', (toUser ?? 0) - (toGrid ?? 0), 0.1)
  const measured = built.measured
  const state = integerOf(v.pvstatus)
  if (state !== undefined && Object.hasOwn(STATUS, state)) built.status(STATUS[state])
  built.extra('status_code', state)
  const code = integerOf(v.faultcode)
  if (code === 0) built.noFault()
  else if (code !== undefined && code > 0) built.fault(code, errorFault(code, undefined).text, 'major')
  return measured ? [built.build()] : []
}
