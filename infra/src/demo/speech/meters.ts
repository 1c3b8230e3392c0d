import { localTimeOf } from './local-time.ts'
import { type Publication, kwh, type SpeechFactory } from './speech.ts'

const VOLTS = 231

/** Shelly Pro 3EM: a component a message. Power is positive for import, its counters are Wh. */
export const shelly: SpeechFactory = () => ({
  transport: 'mqtt',
  say: (said) =>
    said.flatMap(({ device, measured: { metrics } }): Publication[] => {
      const power = metrics.grid_power_w!
      const phases = ['a', 'b', 'c'].map((phase, index) => [phase, power * [0.36, 0.33, 0.31][index]!] as const)
      return [
        {
          topic: `${device.externalId}/status/em:0`,
          body: JSON.stringify({
            id: 0,
            ...Object.fromEntries(
              phases.flatMap(([phase, watts]) => [
                [`${phase}_act_power`, Math.round(watts * 10) / 10],
                [`${phase}_voltage`, VOLTS],
                [`${phase}_current`, Math.round((Math.abs(watts) / VOLTS) * 1_000) / 1_000],
              ]),
            ),
            total_act_power: power,
          }),
        },
        {
          topic: `${device.externalId}/status/emdata:0`,
          body: JSON.stringify({ id: 0, total_act: metrics.import_total_wh, total_act_ret: metrics.export_total_wh }),
        },
      ]
    }),
})

/** Tasmota: one object a device; its time is that of the wall, without a zone. */
export const tasmota: SpeechFactory = (site) => ({
  transport: 'mqtt',
  say: (said, ts) =>
    said.map(({ device, measured: { metrics } }): Publication => {
      const power = metrics.ac_power_w!
      return {
        topic: `tele/${device.externalId}/SENSOR`,
        body:
          `{"Time":"${localTimeOf(site.timezone, ts)}","ENERGY":{"Total":${kwh(metrics.energy_total_wh!)},` +
          `"Power":${power},"Factor":0.99,"Voltage":${VOLTS},"Current":${(power / VOLTS).toFixed(3)}}}`,
      }
    }),
})
