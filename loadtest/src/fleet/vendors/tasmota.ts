import type { SimulatedVendor } from './types.ts'

/** A metering plug behind a balcony inverter. Its time has no zone: local time of the connection's site. */
export const tasmota: SimulatedVendor = {
  id: 'tasmota',
  vendor: 'tasmota',
  transport: 'mqtt',
  oneRowPerMessage: false,
  externalId: (plant) => `plug${plant.index}`,
  messages(plant, sample) {
    const time = new Date(sample.ts).toISOString().slice(0, 19)
    const kwh = (wh: number): string => (wh / 1000).toFixed(3)
    return [
      {
        topic: `tele/plug${plant.index}/SENSOR`,
        body:
          `{"Time":"${time}","ENERGY":{"Total":${kwh(sample.energyTotalWh)},"Today":${kwh(sample.energyDayWh)},` +
          `"Power":${Math.round(sample.acPowerW)},"Factor":0.99,"Voltage":${Math.round(sample.voltageV)},` +
          `"Current":${(sample.acPowerW / sample.voltageV).toFixed(3)}}}`,
      },
    ]
  },
}
