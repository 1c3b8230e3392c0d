import type { Publication, SpeechFactory } from './speech.ts'

/** Venus OS: `{"value": …}` a message. */
export const victron: SpeechFactory = () => ({
  transport: 'mqtt',
  say: (said) =>
    said.flatMap(({ device, measured: { metrics } }): Publication[] => {
      const value = (path: string, content: number): Publication => ({
        topic: `N/${device.externalId}/${path}`,
        body: JSON.stringify({ value: content }),
      })
      if (device.role === 'battery')
        // Victron counts charging positive.
        return [value('Soc', metrics.battery_soc_pct!), value('Dc/0/Power', -metrics.battery_power_w!)]
      if (device.role === 'grid')
        return [
          value('Ac/Power', metrics.grid_power_w!),
          value('Ac/Energy/Forward', metrics.import_total_wh! / 1_000),
          value('Ac/Energy/Reverse', metrics.export_total_wh! / 1_000),
        ]
      return [value('Ac/Power', metrics.ac_power_w!), value('Ac/Energy/Forward', metrics.energy_total_wh! / 1_000)]
    }),
})
