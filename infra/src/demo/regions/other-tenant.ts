/** Another company on the same instance: nothing of it is seen by the first. */
import { type DemoSite, inverters, northRoof, southRoof, type Place, shellyMeter, site } from '../plan.ts'
import { STRING_12, STRING_24 } from './models.ts'

const climate = { meanC: 15, seasonC: 5, greyWinter: 0.5, greySummer: 0.25 }
const AUCKLAND: Place = {
  tenant: 'other',
  timezone: 'Pacific/Auckland',
  country: 'NZ',
  city: 'Auckland',
  cluster: 'auckland',
  latitude: -36.82,
  longitude: 174.77,
  climate,
}
const KONA: Place = {
  tenant: 'other',
  timezone: 'Pacific/Honolulu',
  country: 'US',
  city: 'Kailua-Kona',
  cluster: 'kona',
  latitude: 19.64,
  longitude: -155.99,
  climate: { meanC: 25, seasonC: 2, greyWinter: 0.2, greySummer: 0.2 },
}

export const OTHER: readonly DemoSite[] = [
  site(AUCKLAND, 'Bayswater Marina', {
    customer: { name: 'Bayswater Marina', kind: 'commercial', email: 'dock@bayswater.test' },
    at: [0, 0],
    arrays: northRoof(20),
    devices: [...inverters(STRING_24, 'BM-24K-1', 2), shellyMeter('d8132ad40001')],
    loadW: 16_000,
    tags: ['rooftop'],
  }),
  site(AUCKLAND, 'Devonport Bakery', {
    customer: { name: 'Devonport Bakery', kind: 'commercial', email: 'bread@devonport.test' },
    at: [2, -1],
    arrays: northRoof(25),
    devices: inverters(STRING_12, 'DB-12K-1', 2),
    loadW: 9_000,
  }),
  site(KONA, 'Kona Lodge', {
    customer: { name: 'Kona Lodge', kind: 'commercial', email: 'stay@kona.test' },
    at: [0, 0],
    arrays: southRoof(12),
    devices: inverters(STRING_24, 'KL-24K-1', 1),
    loadW: 6_000,
  }),
]
