/** The demo: ten sites of two companies, each with something to look at. */
import type { DeviceKind, DeviceRole } from '@heliograph/crm-core/contracts'

/** What the simulator does differently for a device. */
export type Trouble = 'silent' | 'wrong-clock' | 'fault'

export interface DemoDevice {
  kind: DeviceKind
  role: DeviceRole
  name: string
  serial: string
  model: string
  peakPowerW?: number
  /** The vendor's id: the external id of its link. */
  externalId: string
  trouble?: Trouble
}
export interface DemoSite {
  tenant: 'demo' | 'other'
  customer: { name: string; kind: 'residential' | 'commercial' | 'public'; email: string }
  name: string
  timezone: string
  latitude: number
  longitude: number
  address: { street?: string; city: string; country: string }
  cluster: string
  tiltDeg: number
  /** Seconds between deliveries of the live simulator. */
  everyS: number
  vendor: 'native' | 'opendtu' | 'victron' | 'shelly'
  devices: DemoDevice[]
  /** A second connection at the site: its grid meter. */
  meter?: DemoDevice
}

const inverters = (prefix: string, model: string, count: number, peakPowerW: number): DemoDevice[] =>
  Array.from({ length: count }, (_, index) => ({
    kind: 'inverter',
    role: 'production',
    name: `Inverter ${index + 1}`,
    serial: `${prefix}${index + 1}`,
    model,
    peakPowerW,
    externalId: `${prefix}${index + 1}`,
  }))

const trouble = (devices: DemoDevice[], index: number, what: Trouble): DemoDevice[] =>
  devices.map((device, at) => (at === index ? { ...device, trouble: what } : device))

export const DEMO_TENANTS = {
  demo: { name: 'Helios Energy Services', domain: 'demo.test' },
  other: { name: 'Southern Sun Cooperative', domain: 'other.test' },
} as const

export const DEMO_SITES: readonly DemoSite[] = [
  {
    tenant: 'demo',
    customer: { name: 'Bäckerei Sonnenschein', kind: 'commercial', email: 'anna@sonnenschein.test' },
    name: 'Bäckerei Sonnenschein',
    timezone: 'Europe/Berlin',
    latitude: 52.52,
    longitude: 13.4,
    address: { street: 'Kastanienallee 12', city: 'Berlin', country: 'DE' },
    cluster: 'berlin',
    tiltDeg: 30,
    everyS: 5,
    vendor: 'native',
    devices: inverters('BS-24K-', 'String 24', 2, 24_000),
  },
  {
    tenant: 'demo',
    customer: { name: 'Hof Lindenau', kind: 'commercial', email: 'hof@lindenau.test' },
    name: 'Hof Lindenau',
    timezone: 'Europe/Berlin',
    latitude: 48.4,
    longitude: 11.75,
    address: { street: 'Am Anger 3', city: 'Freising', country: 'DE' },
    cluster: 'freising',
    tiltDeg: 22,
    everyS: 5,
    vendor: 'native',
    devices: inverters('HL-40K-', 'String 40', 3, 40_000),
    meter: {
      kind: 'meter',
      role: 'grid',
      name: 'Grid meter',
      serial: 'shellypro3em-ec62609f1234',
      model: 'Pro 3EM',
      externalId: 'shellypro3em-ec62609f1234',
    },
  },
  {
    tenant: 'demo',
    customer: { name: 'Familie Petersen', kind: 'residential', email: 'petersen@mail.test' },
    name: 'Petersen, Altona',
    timezone: 'Europe/Berlin',
    latitude: 53.55,
    longitude: 9.93,
    address: { street: 'Elbchaussee 90', city: 'Hamburg', country: 'DE' },
    cluster: 'hamburg',
    tiltDeg: 40,
    everyS: 10,
    vendor: 'opendtu',
    devices: inverters('11618230000', 'HM-1500', 4, 1_500),
  },
  {
    tenant: 'demo',
    customer: { name: 'Quinta do Sol', kind: 'commercial', email: 'geral@quintadosol.test' },
    name: 'Quinta do Sol',
    timezone: 'Europe/Lisbon',
    latitude: 38.7,
    longitude: -9.1,
    address: { city: 'Sintra', country: 'PT' },
    cluster: 'lisbon',
    tiltDeg: 28,
    everyS: 2,
    vendor: 'victron',
    devices: [
      {
        kind: 'inverter',
        role: 'production',
        name: 'PV inverter',
        serial: 'HQ2134A1',
        model: 'PV inverter 15',
        peakPowerW: 15_000,
        externalId: 'c0619ab12345/pvinverter/20',
      },
      {
        kind: 'battery',
        role: 'battery',
        name: 'Battery',
        serial: 'HQ2134B1',
        model: 'LiFePO4 20',
        externalId: 'c0619ab12345/battery/512',
      },
      {
        kind: 'meter',
        role: 'grid',
        name: 'Grid meter',
        serial: 'HQ2134G1',
        model: 'EM24',
        externalId: 'c0619ab12345/grid/30',
      },
    ],
  },
  {
    tenant: 'demo',
    customer: { name: 'Harbour Cold Store', kind: 'commercial', email: 'ops@harbourcold.test' },
    name: 'Harbour Cold Store',
    timezone: 'Australia/Sydney',
    latitude: -33.87,
    longitude: 151.21,
    address: { street: '4 Dock Road', city: 'Sydney', country: 'AU' },
    cluster: 'sydney',
    tiltDeg: 15,
    everyS: 5,
    vendor: 'native',
    devices: inverters('HC-80K-', 'Central 80', 3, 80_000),
  },
  {
    tenant: 'demo',
    customer: { name: 'Mile High Brewing', kind: 'commercial', email: 'facility@milehigh.test' },
    name: 'Mile High Brewing',
    timezone: 'America/Denver',
    latitude: 39.74,
    longitude: -104.99,
    address: { street: '1800 Larimer Street', city: 'Denver', country: 'US' },
    cluster: 'denver',
    tiltDeg: 20,
    everyS: 5,
    vendor: 'native',
    devices: trouble(inverters('MH-36K-', 'String 36', 2, 36_000), 1, 'fault'),
  },
  {
    tenant: 'demo',
    customer: { name: 'Jaipur Public School', kind: 'public', email: 'office@jps.test' },
    name: 'Jaipur Public School',
    timezone: 'Asia/Kolkata',
    latitude: 26.91,
    longitude: 75.79,
    address: { city: 'Jaipur', country: 'IN' },
    cluster: 'jaipur',
    tiltDeg: 26,
    everyS: 10,
    vendor: 'native',
    devices: trouble(inverters('JP-20K-', 'String 20', 2, 20_000), 1, 'silent'),
  },
  {
    tenant: 'demo',
    customer: { name: 'Familie Gruber', kind: 'residential', email: 'gruber@mail.test' },
    name: 'Gruber, Hietzing',
    timezone: 'Europe/Vienna',
    latitude: 48.18,
    longitude: 16.27,
    address: { city: 'Wien', country: 'AT' },
    cluster: 'vienna',
    tiltDeg: 35,
    everyS: 10,
    vendor: 'native',
    devices: trouble(inverters('GR-12K-', 'Hybrid 12', 1, 12_000), 0, 'wrong-clock'),
  },
  {
    tenant: 'other',
    customer: { name: 'Bayswater Marina', kind: 'commercial', email: 'dock@bayswater.test' },
    name: 'Bayswater Marina',
    timezone: 'Pacific/Auckland',
    latitude: -36.82,
    longitude: 174.77,
    address: { city: 'Auckland', country: 'NZ' },
    cluster: 'auckland',
    tiltDeg: 20,
    everyS: 5,
    vendor: 'native',
    devices: inverters('BM-30K-', 'String 30', 2, 30_000),
  },
  {
    tenant: 'other',
    customer: { name: 'Kona Lodge', kind: 'commercial', email: 'stay@kona.test' },
    name: 'Kona Lodge',
    timezone: 'Pacific/Honolulu',
    latitude: 19.64,
    longitude: -155.99,
    address: { city: 'Kailua-Kona', country: 'US' },
    cluster: 'kona',
    tiltDeg: 12,
    everyS: 5,
    vendor: 'native',
    devices: inverters('KL-20K-', 'String 20', 1, 20_000),
  },
]
/** An inverter that nobody has claimed yet; it speaks on the first site's connection. */
export const UNCLAIMED_SERIAL = 'BS-24K-3'
