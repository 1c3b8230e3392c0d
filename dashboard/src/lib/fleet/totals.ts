/** Sums over the sites that told something, and how many those are: a sum that leaves sites out says so. */
import type { LiveSite } from '@heliograph/crm-core/contracts'

export interface FleetSums {
  powerW: number | undefined
  powerSites: number
  energyTodayWh: number | undefined
  energySites: number
  openAlarms: number | undefined
}

export function sumFleet(values: Iterable<LiveSite>): FleetSums {
  const sums: FleetSums = {
    powerW: undefined,
    powerSites: 0,
    energyTodayWh: undefined,
    energySites: 0,
    openAlarms: undefined,
  }
  for (const value of values) {
    // What is out of contact counts for nothing now: its last value is not a value of this moment.
    if (value.acPowerW !== undefined && value.status !== 'silent') {
      sums.powerW = (sums.powerW ?? 0) + value.acPowerW
      sums.powerSites++
    }
    if (value.energyTodayWh !== undefined) {
      sums.energyTodayWh = (sums.energyTodayWh ?? 0) + value.energyTodayWh
      sums.energySites++
    }
    if (value.openAlarms !== undefined) sums.openAlarms = (sums.openAlarms ?? 0) + value.openAlarms
  }
  return sums
}
