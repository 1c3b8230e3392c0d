/** The power that says most about a device, whatever kind it is: what it makes, else what flows through it. */
const ORDER = ['ac_power_w', 'pv_power_w', 'dc_power_w', 'grid_power_w', 'battery_power_w', 'load_power_w'] as const

export function devicePower(metrics: Readonly<Record<string, number>>): number | undefined {
  for (const name of ORDER) {
    const value = metrics[name]
    if (value !== undefined) return value
  }
  return undefined
}
