/**
 * The one spelling of every measured value, from decoder to column to chart.
 * `kind` decides how values are rolled up: a gauge by average, minimum and maximum; a counter by its rise; an interval by its sum.
 * `min` and `max` are physical bounds for one site, far outside what any plant of this market reports; a value beyond them
 * is not a measurement and turns the reading's item into a dead letter.
 */
export interface MetricDefinition {
  readonly unit: 'W' | 'Wh' | 's' | 'Hz' | '°C' | 'W/m²' | 'm/s' | '%' | 'var' | ''
  readonly kind: 'gauge' | 'counter' | 'dayCounter' | 'interval'
  readonly min: number
  readonly max: number
  readonly label: string
}

const power = { unit: 'W', kind: 'gauge', min: -5e9, max: 5e9 } as const
const counter = { unit: 'Wh', kind: 'counter', min: 0, max: 1e15 } as const

export const METRICS = {
  ac_power_w: { ...power, label: 'AC power' },
  dc_power_w: { ...power, label: 'DC power' },
  pv_power_w: { ...power, label: 'PV power' },
  energy_total_wh: { ...counter, label: 'Energy, lifetime' },
  energy_day_wh: { ...counter, kind: 'dayCounter', label: 'Energy today' },
  energy_interval_wh: { unit: 'Wh', kind: 'interval', min: -1e12, max: 1e12, label: 'Energy of the interval' },
  interval_s: { unit: 's', kind: 'gauge', min: 0, max: 32 * 86_400, label: 'Length of the interval' },
  frequency_hz: { unit: 'Hz', kind: 'gauge', min: 0, max: 500, label: 'Grid frequency' },
  inverter_temp_c: { unit: '°C', kind: 'gauge', min: -100, max: 300, label: 'Inverter temperature' },
  irradiance_wm2: { unit: 'W/m²', kind: 'gauge', min: -100, max: 2500, label: 'Irradiance' },
  module_temp_c: { unit: '°C', kind: 'gauge', min: -100, max: 200, label: 'Module temperature' },
  ambient_temp_c: { unit: '°C', kind: 'gauge', min: -100, max: 100, label: 'Ambient temperature' },
  wind_ms: { unit: 'm/s', kind: 'gauge', min: 0, max: 150, label: 'Wind speed' },
  grid_power_w: { ...power, label: 'Grid power (+ import)' },
  battery_power_w: { ...power, label: 'Battery power (+ discharge)' },
  load_power_w: { ...power, label: 'Load (+ consumption)' },
  battery_soc_pct: { unit: '%', kind: 'gauge', min: 0, max: 110, label: 'Battery charge' },
  import_total_wh: { ...counter, label: 'Grid import, lifetime' },
  export_total_wh: { ...counter, label: 'Grid export, lifetime' },
  power_limit_pct: { unit: '%', kind: 'gauge', min: 0, max: 200, label: 'Power limit' },
  power_factor: { unit: '', kind: 'gauge', min: -1.1, max: 1.1, label: 'Power factor' },
  reactive_power_var: { unit: 'var', kind: 'gauge', min: -5e9, max: 5e9, label: 'Reactive power' },
} as const satisfies Record<string, MetricDefinition>

export type Metric = keyof typeof METRICS
export const METRIC_NAMES = Object.keys(METRICS) as Metric[]
export const isMetric = (name: string): name is Metric => Object.hasOwn(METRICS, name)
