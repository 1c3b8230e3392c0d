import type { DemoSite } from './plan.ts'
import { AUSTRALIA } from './regions/australia.ts'
import { CHILE } from './regions/chile.ts'
import { GERMANY } from './regions/germany.ts'
import { OTHER } from './regions/other-tenant.ts'
import { PORTUGAL } from './regions/portugal.ts'

/** All sites of the demo, in the order in which they are made; a site is known by its index. */
export const DEMO_SITES: readonly DemoSite[] = [...GERMANY, ...PORTUGAL, ...CHILE, ...AUSTRALIA, ...OTHER]

/** An inverter that nobody has claimed yet; it speaks on the connection of the first site. */
export const UNCLAIMED_SERIAL = 'BS-24K-3'
