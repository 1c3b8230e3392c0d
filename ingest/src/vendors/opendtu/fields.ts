import type { ReadingBuilder } from '../../vocabulary/index.ts'

/** Name of a field without case, blanks and dashes, so that `Power DC`, `powerdc` and `Voltage Ph1-N` read alike. */
export const fieldName = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Values of the AC side of one inverter; factors are for MQTT, where units are fixed. */
const AC_METRICS = {
  power: ['ac_power_w', 1],
  powerdc: ['dc_power_w', 1],
  // Counts since the inverter last started rather than since midnight; days are derived from the total.
  yieldday: ['energy_day_wh', 1],
  yieldtotal: ['energy_total_wh', 1000],
  frequency: ['frequency_hz', 1],
  temperature: ['inverter_temp_c', 1],
  powerfactor: ['power_factor', 1],
  reactivepower: ['reactive_power_var', 1],
} as const

/** Puts one field of the AC side (channel 0) into a reading; `factor` overrides the fixed unit of MQTT. */
export function putAc(built: ReadingBuilder, name: string, value: unknown, factor?: number): void {
  const field = fieldName(name)
  if (Object.hasOwn(AC_METRICS, field)) {
    const [metric, fixed] = AC_METRICS[field as keyof typeof AC_METRICS]
    built.metric(metric, value, factor ?? fixed)
    return
  }
  // Single phase: voltage, current. Three phases (HMT): voltageph1n …, currentph1 …
  const phase = /^(voltage|current|power)(?:ph([123])n?)?$/.exec(field)
  if (phase) {
    const [, kind, number = '1'] = phase
    built.ac(
      Number(number) - 1,
      kind === 'voltage' ? { voltage_v: value } : kind === 'current' ? { current_a: value } : { power_w: value },
    )
    return
  }
  if (field === 'efficiency') built.extraNumber('efficiency', value)
}

/** Puts one field of a DC input into a reading; `index` from 0. */
export function putDc(built: ReadingBuilder, index: number, name: string, value: unknown): void {
  const field = fieldName(name)
  if (field === 'power') built.dc(index, { power_w: value })
  else if (field === 'voltage') built.dc(index, { voltage_v: value })
  else if (field === 'current') built.dc(index, { current_a: value })
}
/** Fields of a DC input that are worth keeping. */
export const isDcField = (name: string): boolean => ['power', 'voltage', 'current'].includes(fieldName(name))
export const isAcField = (name: string): boolean =>
  /^(power|powerdc|yieldday|yieldtotal|frequency|temperature|powerfactor|reactivepower|efficiency|(voltage|current)(ph[123]n?)?)$/.test(
    fieldName(name),
  )
