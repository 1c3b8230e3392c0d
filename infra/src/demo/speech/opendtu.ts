import { type Publication, kwh, type SpeechFactory } from './speech.ts'

/** OpenDTU: one value a message. By night the inverters sleep and the DTU cannot reach them. */
export const opendtu: SpeechFactory = () => ({
  transport: 'mqtt',
  say: (said, ts) =>
    said.flatMap(({ device, measured }): Publication[] => {
      const { metrics, dc = [] } = measured
      const base = `solar/${device.externalId}`
      const value = (name: string, body: string): Publication => ({ topic: `${base}/${name}`, body })
      const power = metrics.ac_power_w ?? 0
      if (power <= 0) return [value('status/reachable', '0'), value('status/producing', '0')]
      return [
        value('0/power', power.toFixed(1)),
        value('0/powerdc', metrics.dc_power_w!.toFixed(1)),
        value('0/yieldtotal', kwh(metrics.energy_total_wh!)),
        value('0/temperature', metrics.inverter_temp_c!.toFixed(1)),
        ...dc.flatMap((input, index) => [
          value(`${index + 1}/voltage`, input.voltage_v!.toFixed(1)),
          value(`${index + 1}/current`, input.current_a!.toFixed(2)),
        ]),
        value('status/reachable', '1'),
        value('status/producing', '1'),
        value('status/last_update', String(Math.floor(ts / 1_000))),
      ]
    }),
})
