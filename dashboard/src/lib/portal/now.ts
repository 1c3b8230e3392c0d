/** What all systems of a customer do now, as one figure each. */
import type { LiveSite } from '@heliograph/crm-core/contracts'

export interface SystemsNow {
  powerW: number | undefined
  /** When the power's sources were last heard of: of several that are in contact the newest, UTC milliseconds. */
  powerSeenAt: number | undefined
  energyTodayWh: number | undefined
  seenAt: number | undefined
}

/**
 * What is out of contact counts for nothing now: its last power is not a power of this moment, and another system's time would make it
 * look like one. Where nobody is in contact, what was last heard is told with its own age.
 * @param values of the customer's own systems; undefined for one that nothing is known of
 */
export function systemsNow(values: readonly (LiveSite | undefined)[]): SystemsNow {
  const known = values.filter((value) => value !== undefined)
  const heard = known.filter(({ status }) => status !== 'silent')
  const asked = heard.length > 0 ? heard : known
  return {
    powerW: sum(asked, ({ acPowerW }) => acPowerW),
    powerSeenAt: newest(asked.filter(({ acPowerW }) => acPowerW !== undefined)) ?? newest(asked),
    energyTodayWh: sum(known, ({ energyTodayWh }) => energyTodayWh),
    seenAt: newest(known),
  }
}

function sum(values: readonly LiveSite[], pick: (value: LiveSite) => number | undefined): number | undefined {
  return values.reduce<number | undefined>((total, value) => {
    const part = pick(value)
    return part === undefined ? total : (total ?? 0) + part
  }, undefined)
}
function newest(values: readonly LiveSite[]): number | undefined {
  return values.reduce<number | undefined>(
    (last, { lastSeenAt }) => (lastSeenAt === undefined ? last : Math.max(last ?? 0, lastSeenAt)),
    undefined,
  )
}
