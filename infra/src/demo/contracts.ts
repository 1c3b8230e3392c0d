/** What the demo's companies promised their customers, and what a kilowatt hour is worth where they live. */
import type { ContractCreate } from '@heliograph/crm-core/contracts'
import { type DemoSite, peakOf } from './plan.ts'
import { DAY_MS, hash } from './sky.ts'

type Terms = Omit<ContractCreate, 'customerId' | 'validFrom'>
const TERMS: Readonly<Record<DemoSite['customer']['kind'], Terms>> = {
  residential: {
    name: 'Watch',
    kind: 'monitoring',
    sla: { firstResponseH: 10, solutionH: 100, hours: 'weekdays' },
  },
  commercial: {
    name: 'Full service',
    kind: 'full-service',
    sla: { firstResponseH: 4, solutionH: 48, hours: 'always' },
    guarantee: { kind: 'performance-ratio', value: 0.78 },
  },
  public: {
    name: 'Maintenance',
    kind: 'maintenance',
    sla: { firstResponseH: 8, solutionH: 60, hours: 'weekdays' },
  },
}
/** In the mean of what is fed in and what is not bought; made up, of a likely size. */
const TARIFFS: Readonly<Record<string, Terms['tariff']>> = {
  DE: { perKwh: '0.1480', currency: 'EUR' },
  PT: { perKwh: '0.0950', currency: 'EUR' },
  CL: { perKwh: '78.5', currency: 'CLP' },
  AU: { perKwh: '0.1125', currency: 'AUD' },
}
/** Sites of this size are promised a yield instead. */
const FIELD_W = 200_000
const YEAR_DAYS = 365

/** @param now start of the demo, UTC milliseconds */
export function contractOf(site: DemoSite, now: number): Omit<ContractCreate, 'customerId'> {
  const { kind } = site.customer
  const day = (days: number): string => new Date(now + days * DAY_MS).toISOString().slice(0, 10)
  const age = Math.round(200 + hash(`${site.name}/contract`) * 900)
  const terms = TERMS[kind]
  const peakW = peakOf(site)
  return {
    ...terms,
    validFrom: day(-age),
    // Ten years for what was financed, year by year for the others.
    ...(kind !== 'residential' && { validTo: day(10 * YEAR_DAYS - age) }),
    ...(peakW >= FIELD_W && { guarantee: { kind: 'energy', value: Math.round(peakW * 0.9) } as const }),
    tariff: TARIFFS[site.address.country],
  }
}
