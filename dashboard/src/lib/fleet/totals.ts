/** Sums over the sites that told something, and how many those are: a sum that leaves sites out says so. */
import type { LiveSite } from '@heliograph/crm-core/contracts'

export interface FleetSums {
  powerW: number | undefined
  powerSites: number
  /** Over sites whose power and expected power are both known, so that the two compare. */
  comparedPowerW: number | undefined
  expectedPowerW: number | undefined
  energyTodayWh: number | undefined
  energySites: number
  /** Of the intervals whose expectation is known, and what was expected in them: the rest of the day compares with nothing. */
  comparedTodayWh: number | undefined
  expectedTodayWh: number | undefined
  lossTodayWh: number | undefined
  lossSites: number
  openAlarms: number | undefined
}

export function sumFleet(values: Iterable<LiveSite>): FleetSums {
  const sums: FleetSums = {
    powerW: undefined,
    powerSites: 0,
    comparedPowerW: undefined,
    expectedPowerW: undefined,
    energyTodayWh: undefined,
    energySites: 0,
    comparedTodayWh: undefined,
    expectedTodayWh: undefined,
    lossTodayWh: undefined,
    lossSites: 0,
    openAlarms: undefined,
  }
  const add = (name: Exclude<keyof FleetSums, 'powerSites' | 'energySites' | 'lossSites'>, value: number): void => {
    sums[name] = (sums[name] ?? 0) + value
  }
  for (const value of values) {
    // What is out of contact counts for nothing now: its last value is not a value of this moment.
    if (value.acPowerW !== undefined && value.status !== 'silent') {
      add('powerW', value.acPowerW)
      sums.powerSites++
      if (value.expectedPowerW !== undefined) {
        add('comparedPowerW', value.acPowerW)
        add('expectedPowerW', value.expectedPowerW)
      }
    }
    if (value.energyTodayWh !== undefined) {
      add('energyTodayWh', value.energyTodayWh)
      sums.energySites++
    }
    if (value.comparedTodayWh !== undefined && value.expectedTodayWh !== undefined) {
      add('comparedTodayWh', value.comparedTodayWh)
      add('expectedTodayWh', value.expectedTodayWh)
    }
    if (value.lossTodayWh !== undefined) {
      add('lossTodayWh', value.lossTodayWh)
      sums.lossSites++
    }
    if (value.openAlarms !== undefined) add('openAlarms', value.openAlarms)
  }
  return sums
}
