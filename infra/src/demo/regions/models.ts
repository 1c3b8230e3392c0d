/** Inverters that the demo's plants are made of. */
import type { InverterModel } from '../plan.ts'

export const STRING_12: InverterModel = { vendor: 'native', model: 'String 12', kwp: 12.6, kw: 12, strings: 2 }
export const STRING_24: InverterModel = { vendor: 'native', model: 'String 24', kwp: 26, kw: 24, strings: 4 }
export const STRING_40: InverterModel = { vendor: 'native', model: 'String 40', kwp: 44, kw: 40, strings: 4 }
/** Far more modules than it can take: flat at noon. */
export const STRING_40_FULL: InverterModel = { vendor: 'native', model: 'String 40', kwp: 62, kw: 40, strings: 4 }
export const CENTRAL_80: InverterModel = { vendor: 'native', model: 'Central 80', kwp: 88, kw: 80, strings: 6 }
export const MICRO_1500: InverterModel = { vendor: 'opendtu', model: 'HM-1500', kwp: 1.66, kw: 1.5, strings: 4 }
export const FIELD_60: InverterModel = { vendor: 'sparkplug-b', model: 'Field 60', kwp: 66, kw: 60, strings: 3 }
export const FIELD_60_FULL: InverterModel = { vendor: 'sparkplug-b', model: 'Field 60', kwp: 90, kw: 60, strings: 3 }
export const SYMO_15: InverterModel = { vendor: 'fronius', model: 'Symo 15.0-3-M', kwp: 16.2, kw: 15 }
export const MIN_6000: InverterModel = { vendor: 'growatt', model: 'MIN 6000TL-X', kwp: 6.6, kw: 6, strings: 2 }

/** The number of an inverter at its Fronius logger. */
export const atLogger = (index: number): string => `inverter/${index + 1}`
/** An inverter under its edge node. */
export const underNode =
  (node: string) =>
  (index: number): string =>
    `Helios/${node}/INV-${index + 1}`
