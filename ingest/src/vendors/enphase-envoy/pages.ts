import type { DecodedReading } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import { arrival, finiteOf, reading, scale, unitFactor } from '../../vocabulary/index.ts'
import { type EnvoyState, gatewayFacts, gatewayId } from './identity.ts'

/**
 * `/production` of the R3 firmware is a page for people with a table of four values. The lifetime energy there is rounded to a
 * tenth of a MWh: as a counter it would stand still for days and then jump, so it is kept beside the metrics only.
 * Every other page (errors, sign-in) measures nothing.
 */
export function pageReadings(
  html: string,
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const serial = /Envoy Serial Number:\s*(?:<[^>]{0,100}>\s*)?(\w{6,20})/.exec(html)?.[1]
  if (serial !== undefined) state.serial ??= serial
  const power = cell(html, 'Currently')
  const day = cell(html, 'Today')
  const total = cell(html, 'Since Installation')
  if (power === undefined) return []
  const built = reading(gatewayId(state, message.topic), arrival(message), rejected)
    .metric('ac_power_w', power.value, unitFactor(power.unit, 'ac_power_w') ?? NaN)
    .attributes(gatewayFacts(state))
  if (day) built.metric('energy_day_wh', day.value, unitFactor(day.unit, 'energy_day_wh') ?? NaN)
  const lifetime = finiteOf(total?.value)
  const factor = total && unitFactor(total.unit, 'energy_total_wh')
  if (lifetime !== undefined && factor !== undefined) built.extra('since_installation_wh', scale(lifetime, factor))
  return built.measured ? [built.build()] : []
}

function cell(html: string, label: string): { value: string; unit: string } | undefined {
  const match = new RegExp(
    `<td>${label}</td>\\s{0,50}<td>\\s{0,50}([\\d.,]{1,20})\\s{0,10}([kMG]?Wh?)\\s{0,50}</td>`,
  ).exec(html)
  return match?.[1] && match[2] ? { value: match[1].replaceAll(',', ''), unit: match[2] } : undefined
}
