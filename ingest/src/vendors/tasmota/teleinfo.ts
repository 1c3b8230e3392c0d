import { finiteOf, isRecord, type ReadingBuilder } from '../../vocabulary/index.ts'

/**
 * French meters read by their customer's interface: `METER` has powers by phase, with `P` in VA and `W` in watts, and `PW` for what
 * is injected; `TIC` is the meter's frame as it is, with counters in Wh as text.
 * @see https://github.com/NicolasBernaerts/tasmota/tree/master/teleinfo
 */
export const isTeleinfo = (sensors: Record<string, unknown>): boolean =>
  (isRecord(sensors.METER) && 'PH' in sensors.METER) ||
  (isRecord(sensors.TIC) && ('ADCO' in sensors.TIC || 'ADSC' in sensors.TIC || 'ADCS' in sensors.TIC))

export function putTeleinfo(built: ReadingBuilder, sensors: Record<string, unknown>): void {
  if (isRecord(sensors.METER)) putMeter(built, sensors.METER)
  if (isRecord(sensors.TIC)) putFrame(built, sensors.TIC)
}

function putMeter(built: ReadingBuilder, meter: Record<string, unknown>): void {
  const taken = finiteOf(meter.W)
  // The VA of `P` are not the W of a meter that has no `W` yet.
  if (taken !== undefined) built.metric('grid_power_w', taken - (finiteOf(meter.PW) ?? 0))
  built.extraNumber('ApparentPower', meter.P).metric('power_factor', meter.C)
  for (let phase = 1; phase <= 3; phase++)
    built.ac(phase - 1, {
      voltage_v: meter[`U${phase}`],
      current_a: meter[`I${phase}`],
      power_w: meter[`W${phase}`],
    })
}

/** Counters of the contracts: one, or one per period of which all are needed. */
const CONTRACTS = [
  ['EAST'],
  ['BASE'],
  ['HCHC', 'HCHP'],
  ['EJPHN', 'EJPHPM'],
  ['BBRHCJB', 'BBRHPJB', 'BBRHCJW', 'BBRHPJW', 'BBRHCJR', 'BBRHPJR'],
]
function putFrame(built: ReadingBuilder, frame: Record<string, unknown>): void {
  const counters = CONTRACTS.find((names) => names.every((name) => finiteOf(frame[name]) !== undefined))
  if (counters)
    built.metric(
      'import_total_wh',
      counters.reduce((sum, name) => sum + (finiteOf(frame[name]) ?? 0), 0),
    )
  built.metric('export_total_wh', frame.EAIT).extraNumber('PAPP', frame.PAPP ?? frame.SINSTS)
}
