import type { DecodedReading, DeviceStatus } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import {
  entriesOf,
  finiteOf,
  integerOf,
  isRecord,
  reading,
  type ReadingBuilder,
  timeOf,
  wordsOf,
} from '../../vocabulary/index.ts'
import { errorFault } from './faults.ts'
import { delivers, OFF_GRID_TEXTS, offGridStatus, operationStatus, stateStatus } from './states.ts'

type Values = Record<string, unknown>
type Body = { values: Values } & Record<string, unknown>

/**
 * What a proxy between a ShineWiFi / ShineLan data logger and the vendor's cloud publishes (Grott): the fields of the logger's
 * record by name, as the whole numbers they are on the wire. Tenths of W, V, A, kWh and °C, hundredths of Hz.
 */
export const isGrott = (body: Record<string, unknown>): body is Body =>
  isRecord(body.values) &&
  typeof body.device === 'string' &&
  Object.keys(body.values).some((key) => /^(pv|vpv\d|datalogserial|voltage_?l1|act(ive)?_?power_?l1)/i.test(key))

const TENTH = { voltage_v: 0.1, current_a: 0.1, power_w: 0.1 }
const MAX_INPUTS = 16
/** A negative number of 32 bits that the record's layout took for a positive one. */
const signed = (raw: unknown): unknown => {
  const value = finiteOf(raw)
  return value !== undefined && value >= 2 ** 31 && value < 2 ** 32 ? value - 2 ** 32 : raw
}

export function grottReading(body: Body, message: VendorMessage, rejected: Rejection[]): DecodedReading[] {
  // Some layouts have names with a blank at the end.
  const v: Values = Object.fromEntries(entriesOf(body.values).map(([key, value]) => [key.trim(), value]))
  if (v.voltageL1 !== undefined || v.activePowerL1 !== undefined) return loggedMeter(body, v, message, rejected)
  if (v.voltage_l1 !== undefined || v.pos_act_energy !== undefined) return smartMeter(body, v, message, rejected)
  const device = wordsOf(v.pvserial, 60) ?? wordsOf(body.device, 60)
  if (device === undefined) return []
  // Records that the logger kept while offline are sent later with their own time; `time` is local and has no zone.
  const built = reading(device, timeOf(body.time, message), rejected)
    .metric('frequency_hz', v.pvfrequentie ?? v.pvfrequency ?? (v.line_freq || v.outputfreq), 0.01)
    .metric('inverter_temp_c', v.pvtemperature ?? v.invtemp, 0.1)
    .metric('import_total_wh', v.etouser_total ?? v.etousertotal ?? v.etouser_tot, 100)
    .metric('export_total_wh', v.etogrid_total ?? v.etogridtotal ?? v.etogrid_tot, 100)
    .extraNumber('pvipmtemperature', v.pvipmtemperature, 0.1)
    .extra('buffered', body.buffered === 'yes')
    .attributes({ kind: 'inverter', serial: device, parent: wordsOf(v.datalogserial, 60) })
  const offGrid = v.op_watt !== undefined
  if (offGrid) putOffGrid(built, v)
  else putInverter(built, v)
  const measured = built.measured
  putState(built, v, offGrid)
  return measured ? [built.build()] : []
}

function putInverter(built: ReadingBuilder, v: Values): void {
  built
    .metric('ac_power_w', signed(v.pvpowerout), 0.1)
    .metric('dc_power_w', v.pvpowerin, 0.1)
    .metric('load_power_w', v.plocaloadrtotal ?? v.plocaloadtot ?? v.plocaloadr ?? v.ptoloadtotal, 0.1)
  putEnergies(built, v)
  for (let i = 0; i < MAX_INPUTS; i++) {
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
  putDifference(
    built,
    'grid_power_w',
    v.pactouserr ?? v.pactousertot ?? v.ptousertotal,
    v.pactogridr ?? v.pactogridtot ?? v.ptogridtotal,
  )
  putBattery(built, v)
}

/** A hybrid's AC counters (`eac…`, also called `pvenergy…`) hold what went through the battery as well: there the inputs' count. */
function putEnergies(built: ReadingBuilder, v: Values): void {
  const hybrid = v.p1charge1 !== undefined || v.pdischarge1 !== undefined
  if (!hybrid || v.epvtotal === undefined) {
    built
      .metric('energy_day_wh', v.pvenergytoday ?? v.eactoday, 100)
      .metric('energy_total_wh', v.pvenergytotal ?? v.eactotal ?? v.epvtotal, 100)
    return
  }
  const today = [v.epv1today, v.epv2today].map(finiteOf).filter((one) => one !== undefined)
  if (today.length > 0) built.metric('energy_day_wh', today.reduce((sum, one) => sum + one, 0), 100) // prettier-ignore
  built
    .metric('pv_power_w', v.pvpowerin, 0.1)
    .metric('energy_total_wh', v.epvtotal, 100)
    .extraNumber('eactotal_wh', v.eactotal ?? v.pvenergytotal, 100)
    .extraNumber('eactoday_wh', v.eactoday ?? v.pvenergytoday, 100)
}

/** Models without a battery send zeros for all of it: a battery has a charge or a voltage. */
function putBattery(built: ReadingBuilder, v: Values): void {
  const soc = finiteOf(v.SOC ?? v.soc ?? v.bdc1_soc ?? v.bms_soc)
  const volts = finiteOf(v.vbat ?? v.bdc1_vbat)
  const known = soc !== undefined || volts !== undefined
  if (known && (soc ?? 0) <= 0 && (volts ?? 0) <= 0) return
  built.metric('battery_soc_pct', soc).extraNumber('vbat', v.vbat, 0.1).extraNumber('bdc1_vbat', v.bdc1_vbat, 0.01)
  putDifference(built, 'battery_power_w', v.pdischarge1 ?? v.bdc1_pdischr, v.p1charge1 ?? v.pcharge1 ?? v.bdc1_pchr)
}

function putDifference(
  built: ReadingBuilder,
  metric: 'grid_power_w' | 'battery_power_w',
  plus: unknown,
  minus: unknown,
) {
  const [a, b] = [finiteOf(signed(plus)), finiteOf(signed(minus))]
  if (a !== undefined || b !== undefined) built.metric(metric, (a ?? 0) - (b ?? 0), 0.1)
}

/** Off-grid family (SPF): what it puts out feeds the loads, what it takes in comes from the grid. `BatWatt` is + while discharging. */
function putOffGrid(built: ReadingBuilder, v: Values): void {
  const inputs = [v.ppv1, v.ppv2].map(finiteOf).filter((one) => one !== undefined)
  if (inputs.length > 0) {
    const power = inputs.reduce((sum, one) => sum + one, 0)
    built.metric('pv_power_w', power, 0.1).metric('dc_power_w', power, 0.1)
  }
  built
    .metric('load_power_w', v.op_watt, 0.1)
    .metric('grid_power_w', v.AC_InWatt, 0.1)
    .metric('battery_power_w', signed(v.BatWatt), 0.1)
    .metric('battery_soc_pct', v.batterySoc)
    .metric('energy_day_wh', v.epvtoday, 100)
    .metric('energy_total_wh', v.epvtotal, 100)
    .extraNumber('bat_Volt', v.bat_Volt, 0.01)
    .extraNumber('grid_volt', v.grid_volt, 0.1)
    .extraNumber('loadpercent', v.loadpercent, 0.1)
    .ac(0, { voltage_v: v.outputvolt, current_a: v.OP_Curr, power_w: v.op_watt }, TENTH)
  for (let i = 0; i < 2; i++) built.dc(i, { voltage_v: v[`vpv${i + 1}`], power_w: v[`ppv${i + 1}`] }, TENTH)
}

function putState(built: ReadingBuilder, v: Values, offGrid: boolean): void {
  const state = integerOf(v.pvstatus)
  if (state !== undefined) {
    const running: DeviceStatus | undefined = offGrid
      ? offGridStatus(state)
      : state < 5
        ? stateStatus(state)
        : operationStatus(state, delivers(signed(v.pvpowerout), v.pvpowerin))
    built.status(running).extra('status_text', offGrid ? OFF_GRID_TEXTS[state] : undefined)
  }
  built.extra('status_code', state)
  const code = integerOf(v.faultcode ?? v.faultValue)
  if (code === 0) built.noFault()
  else if (code !== undefined && code > 0) built.fault(code, errorFault(code, undefined).text, 'major')
  const warning = integerOf(v.warningcode ?? v.warningValue)
  if (warning !== undefined && warning > 0) built.fault(`W${warning}`, undefined, 'minor')
}

/** A meter on the inverter's own wire: + is taken from the grid. It has the inverter's serial, so it is told apart by its name. */
function smartMeter(body: Body, v: Values, message: VendorMessage, rejected: Rejection[]): DecodedReading[] {
  const serial = wordsOf(v.pvserial, 60) ?? wordsOf(body.device, 60) ?? wordsOf(v.datalogserial, 60) ?? 'growatt'
  const built = reading(`${serial}/meter`, timeOf(body.time, message), rejected)
    .metric('grid_power_w', signed(v.pos_rev_act_power), 0.1)
    .metric('reactive_power_var', signed(v.react_power), 0.1)
    .metric('power_factor', signed(v.powerfactor), 0.001)
    .metric('frequency_hz', v.frequency, (finiteOf(v.frequency) ?? 0) > 1000 ? 0.01 : 0.1)
    .metric('import_total_wh', v.pos_act_energy, 100)
    .metric('export_total_wh', v.rev_act_energy, 100)
    .attributes({ kind: 'meter', parent: serial })
  for (let i = 0; i < 3; i++) {
    const volts = v[`voltage_l${i + 1}`]
    if (i > 0 && (finiteOf(volts) ?? 0) === 0) continue
    const [amperes, watts] = [v[`Current_l${i + 1}`] ?? v[`current_l${i + 1}`], signed(v[`act_power_l${i + 1}`])]
    built.ac(i, { voltage_v: volts, current_a: amperes, power_w: watts }, TENTH)
  }
  return built.measured ? [built.build()] : []
}

/** A meter on the logger (SDM630): text with a decimal point, in W, V, A, Hz and kWh as it stands. */
function loggedMeter(body: Body, v: Values, message: VendorMessage, rejected: Rejection[]): DecodedReading[] {
  const [model, logger] = [wordsOf(body.device, 60), wordsOf(v.datalogserial, 60)]
  const built = reading([logger, model].filter(Boolean).join('/') || 'meter', timeOf(body.time, message), rejected)
    .metric('grid_power_w', v.power ?? v.active_power)
    .metric('reactive_power_var', v.reactive_power)
    .metric('power_factor', v.power_factor)
    .metric('frequency_hz', v.frequency)
    .metric('import_total_wh', v.posiActivePower, 1000)
    .metric('export_total_wh', v.reverActivePower, 1000)
    .attributes({ kind: 'meter', model, parent: logger })
  for (let i = 1; i <= 3; i++)
    built.ac(i - 1, {
      voltage_v: v[`voltageL${i}`],
      current_a: v[`currentL${i}`],
      power_w: v[`activePowerL${i}`],
    })
  return built.measured ? [built.build()] : []
}
