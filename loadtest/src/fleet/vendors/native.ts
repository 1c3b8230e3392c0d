import type { Plant, Sample } from '../plant.ts'
import type { SimulatedVendor } from './types.ts'

function body(plant: Plant, sample: Sample): string {
  return (
    `{"device":"${plant.serial}","ts":${sample.ts},"metrics":{"ac_power_w":${sample.acPowerW},"dc_power_w":${sample.dcPowerW},` +
    `"energy_total_wh":${sample.energyTotalWh},"inverter_temp_c":${sample.temperatureC},"frequency_hz":${sample.frequencyHz}},` +
    `"status":"${sample.producing ? 'producing' : 'sleeping'}"}`
  )
}
const common = {
  vendor: 'native',
  externalId: (plant: Plant) => plant.serial,
  messages: (plant: Plant, sample: Sample) => [{ topic: 'readings', body: body(plant, sample) }],
  oneRowPerMessage: true,
}

export const native: SimulatedVendor = { ...common, id: 'native', transport: 'mqtt' }
/** The same body by `POST /ingest/v1/readings`. */
export const nativeHttp: SimulatedVendor = { ...common, id: 'native-http', transport: 'http' }
