import type { SimulatedVendor } from './types.ts'

/** Ten plants hang under one GX device. */
const portalOf = (index: number): string =>
  `c0619ab${Math.floor(index / 10)
    .toString(16)
    .padStart(5, '0')}`

export const victron: SimulatedVendor = {
  id: 'victron',
  vendor: 'victron',
  transport: 'mqtt',
  oneRowPerMessage: false,
  externalId: (plant) => `${portalOf(plant.index)}/pvinverter/${20 + (plant.index % 10)}`,
  messages(plant, sample) {
    const base = `N/${portalOf(plant.index)}/pvinverter/${20 + (plant.index % 10)}`
    const values: [string, number][] = [
      ['Ac/Power', sample.acPowerW],
      ['Ac/L1/Power', sample.acPowerW],
      ['Ac/L1/Voltage', sample.voltageV],
      ['Ac/L1/Current', Math.round((sample.acPowerW / sample.voltageV) * 1000) / 1000],
      // kWh, two digits, as Venus OS sends it.
      ['Ac/Energy/Forward', Math.round(sample.energyTotalWh / 10) / 100],
      ['ErrorCode', 0],
      ['StatusCode', sample.producing ? 7 : 8],
    ]
    return values.map(([path, value]) => ({ topic: `${base}/${path}`, body: `{"value": ${value}}` }))
  },
}
