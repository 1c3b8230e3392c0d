/** What the demo is made of: sites of two companies as data, one file a region, with something to look at in each. */
import type { DeviceKind, DeviceRole } from '@heliograph/crm-core/contracts'

export type DemoVendor = 'native' | 'opendtu' | 'victron' | 'shelly' | 'tasmota' | 'sparkplug-b' | 'growatt' | 'fronius'
/** What is wrong with a device; `troubles.ts` says what follows from it. */
type DeviceTrouble = 'silent' | 'wrong-clock' | 'fault' | 'dead-string' | 'replaced' | 'new'
/** What is wrong with a site. */
type SiteTrouble = 'soiled' | 'curtailed'

export interface DemoDevice {
  kind: DeviceKind
  role: DeviceRole
  vendor: DemoVendor
  name: string
  serial: string
  model: string
  /** The vendor's id: the external id of its link. */
  externalId: string
  /** Connection of the site by which it speaks. */
  part: string
  /** Modules at it, W, and what it gives at most, W; of what produces. */
  peakPowerW?: number
  acPowerW?: number
  /** Index into the site's arrays. */
  array?: number
  /** Inputs on the DC side that are told; without any none are. */
  strings?: number
  trouble?: DeviceTrouble
}
export interface DemoArray {
  name: string
  azimuthDeg: number
  tiltDeg: number
}
interface DemoCustomer {
  name: string
  kind: 'residential' | 'commercial' | 'public'
  email: string
  phone?: string
  contacts?: readonly { name: string; position?: string; email?: string; phone?: string }[]
}
export interface DemoSite {
  tenant: keyof typeof DEMO_TENANTS
  /** Name of its org unit; absent: the root. */
  unit?: string
  customer: DemoCustomer
  name: string
  timezone: string
  latitude: number
  longitude: number
  address: { street?: string; city: string; country: string }
  /** Sites of one cluster have the same clouds. */
  cluster: string
  climate: Climate
  arrays: readonly DemoArray[]
  devices: readonly DemoDevice[]
  tags: readonly string[]
  /** Seconds between deliveries. */
  everyS: number
  /** What it uses in the mean, W. */
  loadW: number
  batteryWh?: number
  /** All sites of a street hang on one piece of the grid. */
  street?: string
  trouble?: SiteTrouble
}
export interface Climate {
  /** Mean of the year and half the difference of its seasons, °C. */
  meanC: number
  seasonC: number
  /** Share of grey days in the middle of the winter and of the summer. */
  greyWinter: number
  greySummer: number
}

export const DEMO_TENANTS = {
  demo: { name: 'Helios Energy Services', domain: 'demo.test' },
  other: { name: 'Southern Sun Cooperative', domain: 'other.test' },
} as const

/** Org units of the first tenant by name, each with the unit above it; absent: the root. */
export const DEMO_UNITS: readonly { name: string; above?: string }[] = [
  { name: 'Germany' },
  { name: 'Berlin branch', above: 'Germany' },
  { name: 'Bavaria branch', above: 'Germany' },
  { name: 'Hamburg branch', above: 'Germany' },
  { name: 'Portugal' },
  { name: 'Chile' },
  { name: 'South Australia' },
]

export interface Place extends Pick<DemoSite, 'timezone' | 'cluster' | 'climate' | 'unit' | 'tenant'> {
  city: string
  country: string
  latitude: number
  longitude: number
}

interface SiteFacts extends Partial<Pick<DemoSite, 'tags' | 'everyS' | 'batteryWh' | 'street' | 'trouble'>> {
  customer: DemoCustomer
  street?: string
  /** Street and number. */
  address?: string
  city?: string
  /** Kilometres to the east and north of the place. */
  at: readonly [number, number]
  arrays: readonly DemoArray[]
  devices: readonly DemoDevice[]
  loadW: number
}

/** A site at a place. */
export function site(place: Place, name: string, facts: SiteFacts): DemoSite {
  const { at, address, city, ...rest } = facts
  const { latitude, longitude, country, ...shared } = place
  return {
    tags: [],
    everyS: 15,
    ...rest,
    ...shared,
    name,
    latitude: round(latitude + at[1] / 111.2),
    longitude: round(longitude + at[0] / (111.2 * Math.cos((latitude * Math.PI) / 180))),
    address: { ...(address && { street: address }), city: city ?? place.city, country },
  }
}
const round = (degrees: number): number => Math.round(degrees * 1e5) / 1e5

export interface InverterModel {
  vendor: DemoVendor
  model: string
  /** Modules at each and what each gives at most, kW. */
  kwp: number
  kw: number
  strings?: number
}

/** Inverters of one model, dealt out to the site's arrays in turn. @param serial of the first; the others count on */
export function inverters(
  model: InverterModel,
  serial: string,
  count: number,
  options: { arrays?: number; externalId?: (index: number, serial: string) => string; part?: string } = {},
): DemoDevice[] {
  return Array.from({ length: count }, (_, index) => {
    const own = countOn(serial, index)
    return {
      kind: 'inverter',
      role: 'production',
      vendor: model.vendor,
      name: `Inverter ${index + 1}`,
      serial: own,
      model: model.model,
      externalId: options.externalId?.(index, own) ?? own,
      part: options.part ?? model.vendor,
      peakPowerW: Math.round(model.kwp * 1_000),
      acPowerW: Math.round(model.kw * 1_000),
      array: index % (options.arrays ?? 1),
      ...(model.strings && { strings: model.strings }),
    }
  })
}
/** The digits at the end count on: `BS-24K-1`, `BS-24K-2`. */
export function countOn(serial: string, by: number): string {
  const [digits = ''] = /\d{1,9}$/.exec(serial) ?? []
  return serial.slice(0, serial.length - digits.length) + String(Number(digits) + by).padStart(digits.length, '0')
}

/** The grid meter of a site. @param serial six or more hexadecimal digits, as Shelly numbers its devices */
export const shellyMeter = (serial: string): DemoDevice => ({
  kind: 'meter',
  role: 'grid',
  vendor: 'shelly',
  name: 'Grid meter',
  serial: `shellypro3em-${serial}`,
  model: 'Pro 3EM',
  externalId: `shellypro3em-${serial}`,
  part: 'shelly',
})
/** A plug that meters a balcony's modules. */
export const balconyPlug = (name: string, serial: string, kwp: number, array = 0): DemoDevice => ({
  kind: 'meter',
  role: 'production',
  vendor: 'tasmota',
  name,
  serial,
  model: 'Metering plug',
  externalId: serial,
  part: 'tasmota',
  peakPowerW: Math.round(kwp * 1_000),
  acPowerW: Math.round(Math.min(kwp, 0.8) * 1_000),
  array,
})
/** Irradiance in the plane of the first array, air, wind, back of a module. */
export const weatherStation = (serial: string): DemoDevice => ({
  kind: 'weather',
  role: 'irradiance',
  vendor: 'native',
  name: 'Weather station',
  serial,
  model: 'Reference cell and mast',
  externalId: serial,
  part: 'native',
})
/** A house with Victron's system: PV inverter, battery, grid meter. @param portal twelve hexadecimal digits */
export function victronHouse(portal: string, serial: string, kwp: number, kw: number, count = 1): DemoDevice[] {
  const common = { vendor: 'victron', part: 'victron' } as const
  return [
    ...inverters({ vendor: 'victron', model: `PV inverter ${kw}`, kwp, kw }, `${serial}A1`, count, {
      externalId: (index) => `${portal}/pvinverter/${20 + index}`,
    }),
    {
      ...common,
      kind: 'battery',
      role: 'battery',
      name: 'Battery',
      serial: `${serial}B1`,
      model: 'LiFePO4',
      externalId: `${portal}/battery/512`,
    },
    {
      ...common,
      kind: 'meter',
      role: 'grid',
      name: 'Grid meter',
      serial: `${serial}G1`,
      model: 'EM24',
      externalId: `${portal}/grid/30`,
    },
  ]
}

/** Gives one of the devices a trouble. */
export const troubled = (devices: readonly DemoDevice[], index: number, trouble: DeviceTrouble): DemoDevice[] =>
  devices.map((device, at) => (at === index ? { ...device, trouble } : device))

/** Those that send, or once sent, by one connection of a site. */
export const partsOf = ({ devices }: DemoSite): Map<string, DemoDevice[]> => Map.groupBy(devices, ({ part }) => part)

const tilted = (azimuthDeg: number, tiltDeg: number, name: string): DemoArray => ({ name, azimuthDeg, tiltDeg })
/** A roof or a field that looks to the equator. */
export const southRoof = (tiltDeg: number, azimuthDeg = 180): DemoArray[] => [tilted(azimuthDeg, tiltDeg, 'South roof')]
export const northRoof = (tiltDeg: number, azimuthDeg = 0): DemoArray[] => [tilted(azimuthDeg, tiltDeg, 'North roof')]
export const eastWest = (tiltDeg: number): DemoArray[] => [
  tilted(90, tiltDeg, 'East roof'),
  tilted(270, tiltDeg, 'West roof'),
]

/** What the inverters of a site give together at most, W. */
export const capacityOf = ({ devices }: DemoSite): number =>
  devices.reduce((sum, { acPowerW = 0, trouble }) => sum + (trouble === 'replaced' ? 0 : acPowerW), 0)
export const peakOf = ({ devices }: DemoSite): number =>
  devices.reduce((sum, { peakPowerW = 0, trouble }) => sum + (trouble === 'replaced' ? 0 : peakPowerW), 0)
