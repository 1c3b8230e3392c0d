import type { DecodedReading, Metric } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import { reading } from '../../vocabulary/reading.ts'
import { get, wordsOf } from '../../vocabulary/shape.ts'
import { timeOf } from '../../vocabulary/time.ts'
import { unitFactor } from '../../vocabulary/units.ts'

/** Flow data of the vendor's cloud (Solar.web Query API): channels with a unit, of a whole system or of one device. */
export const isFlowData = (body: Record<string, unknown>): boolean =>
  body.pvSystemId !== undefined && Array.isArray(get(body, 'data', 'channels'))

/** Signs are those of the local power flow: feed-in + is import, load − is consumption, battery + is discharge. */
const CHANNELS = new Map<string, readonly [Metric, 1 | -1]>([
  ['PowerPV', ['pv_power_w', 1]],
  ['PowerFeedIn', ['grid_power_w', 1]],
  ['PowerLoad', ['load_power_w', -1]],
  ['PowerBattCharge', ['battery_power_w', 1]],
  ['BattSOC', ['battery_soc_pct', 1]],
  ['PowerOutput', ['ac_power_w', 1]],
])

export function flowReading(
  body: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const device = wordsOf(body.deviceId, 60)
  const system = wordsOf(body.pvSystemId, 60)
  const built = reading(
    device ?? `pvsystem/${system ?? ''}`,
    timeOf(get(body, 'data', 'logDateTime'), message),
    rejected,
  )
  built.attributes(
    device === undefined ? { kind: 'gateway' } : { kind: 'inverter', parent: `pvsystem/${system ?? ''}` },
  )
  for (const channel of (get(body, 'data', 'channels') as unknown[]).slice(0, 100)) {
    const name = wordsOf(get(channel, 'channelName'), 60) ?? ''
    const known = CHANNELS.get(name)
    const factor = known && unitFactor(wordsOf(get(channel, 'unit'), 20) ?? '', known[0])
    if (known && factor !== undefined) built.metric(known[0], get(channel, 'value'), factor * known[1])
    else built.extraNumber(name, get(channel, 'value'))
  }
  if (get(body, 'status', 'isOnline') === false) built.status('unreachable').quality('stale')
  return built.measured ? [built.build()] : []
}
