import type { SimulatedVendor } from './types.ts'

/** Twelve hexadecimal digits, as Hoymiles numbers its inverters. */
const serialOf = (index: number): string => `1161${index.toString(16).padStart(8, '0')}`

/** One value a message, as OpenDTU publishes them. */
export const opendtu: SimulatedVendor = {
  id: 'opendtu',
  vendor: 'opendtu',
  transport: 'mqtt',
  oneRowPerMessage: false,
  externalId: (plant) => serialOf(plant.index),
  messages(plant, sample) {
    const base = `solar/${serialOf(plant.index)}`
    const values: [string, string | number][] = [
      ['0/power', sample.acPowerW],
      ['0/voltage', sample.voltageV],
      ['0/current', (sample.acPowerW / sample.voltageV).toFixed(2)],
      ['0/powerdc', sample.dcPowerW],
      ['0/yieldday', sample.energyDayWh],
      ['0/yieldtotal', (sample.energyTotalWh / 1000).toFixed(3)],
      ['0/frequency', sample.frequencyHz],
      ['0/temperature', sample.temperatureC],
      ['1/power', sample.dcPowerW],
      ['status/producing', sample.producing ? 1 : 0],
      ['status/reachable', 1],
      ['status/last_update', Math.floor(sample.ts / 1000)],
    ]
    return values.map(([name, value]) => ({ topic: `${base}/${name}`, body: String(value) }))
  },
}
