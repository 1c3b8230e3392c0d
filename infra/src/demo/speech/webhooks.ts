import { localTimeOf } from './local-time.ts'
import type { Publication, SpeechFactory } from './speech.ts'

/** Fronius' logger: what `GetInverterRealtimeData` answers, inverter by inverter. By night values vanish. */
export const fronius: SpeechFactory = (site) => ({
  transport: 'webhook',
  say: (said, ts) =>
    said.map(({ device, measured: { metrics } }): Publication => {
      const value = (unit: string, number: number) => ({ Unit: unit, Value: number })
      const power = metrics.ac_power_w!
      const awake = power > 0
      return {
        body: JSON.stringify({
          Head: {
            RequestArguments: {
              DataCollection: 'CommonInverterData',
              DeviceClass: 'Inverter',
              DeviceId: device.externalId.split('/')[1],
              Scope: 'Device',
            },
            Status: { Code: 0, Reason: '', UserMessage: '' },
            Timestamp: `${localTimeOf(site.timezone, ts)}${offsetOf(site.timezone, ts)}`,
          },
          Body: {
            Data: {
              TOTAL_ENERGY: value('Wh', metrics.energy_total_wh!),
              ...(awake && {
                PAC: value('W', power),
                FAC: value('Hz', 50),
                UDC: value('V', 602),
                IDC: value('A', Math.round((metrics.dc_power_w! / 602) * 100) / 100),
              }),
              DeviceStatus: { StatusCode: awake ? 7 : 13, ErrorCode: 0, LEDState: 0 },
            },
          },
        }),
      }
    }),
})
/** `+01:00` */
function offsetOf(timezone: string, ts: number): string {
  const wall = Date.parse(`${localTimeOf(timezone, ts)}Z`)
  const minutes = Math.round((wall - Math.floor(ts / 1_000) * 1_000) / 60_000)
  const two = (number: number): string => String(Math.abs(number)).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`
}

/** Growatt's push: one record a device, in kWh, its time in UTC without saying so. */
export const growatt: SpeechFactory = () => ({
  transport: 'webhook',
  say: (said, ts) =>
    said.map(({ device, measured: { metrics, dc = [] } }): Publication => ({
      body: JSON.stringify({
        dataType: 'dfcData',
        data: {
          deviceSn: device.externalId,
          utcTime: new Date(ts).toISOString().slice(0, 19).replace('T', ' '),
          status: metrics.ac_power_w! > 0 ? 5 : 0,
          pac: metrics.ac_power_w,
          ppv: metrics.dc_power_w,
          fac: 50,
          vac1: 231.2,
          epvTotal: Math.round(metrics.energy_total_wh! / 10) / 100,
          ...Object.fromEntries(
            dc.flatMap(({ voltage_v, current_a }, index) => [
              [`vpv${index + 1}`, voltage_v],
              [`ipv${index + 1}`, current_a],
            ]),
          ),
          faultCode: 0,
          protectCode: 0,
        },
      }),
    })),
})
