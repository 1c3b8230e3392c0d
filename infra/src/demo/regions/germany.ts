/** Germany: Berlin, the country north of Munich, and a street in Hamburg. */
import {
  balconyPlug,
  type DemoSite,
  eastWest,
  inverters,
  type Place,
  shellyMeter,
  site,
  southRoof,
  victronHouse,
  weatherStation,
  troubled,
} from '../plan.ts'
import { FIELD_60, MICRO_1500, MIN_6000, STRING_12, STRING_24, STRING_40, underNode } from './models.ts'

const climate = { meanC: 10, seasonC: 10, greyWinter: 0.85, greySummer: 0.45 }
const common = { tenant: 'demo', timezone: 'Europe/Berlin', country: 'DE', climate } as const
const BERLIN: Place = {
  ...common,
  unit: 'Berlin branch',
  city: 'Berlin',
  cluster: 'berlin',
  latitude: 52.52,
  longitude: 13.4,
}
const BAVARIA: Place = {
  ...common,
  unit: 'Bavaria branch',
  city: 'Freising',
  cluster: 'freising',
  latitude: 48.4,
  longitude: 11.75,
}
const HAMBURG: Place = {
  ...common,
  unit: 'Hamburg branch',
  city: 'Hamburg',
  cluster: 'hamburg',
  latitude: 53.545,
  longitude: 9.925,
}

export const GERMANY: readonly DemoSite[] = [
  site(BERLIN, 'Bäckerei Sonnenschein', {
    customer: {
      name: 'Bäckerei Sonnenschein',
      kind: 'commercial',
      email: 'anna@sonnenschein.test',
      phone: '+493055501001',
      contacts: [{ name: 'Anna Sonnenschein', position: 'Owner', email: 'anna@sonnenschein.test' }],
    },
    address: 'Kastanienallee 12',
    at: [0, 0],
    arrays: southRoof(30),
    devices: inverters(STRING_24, 'BS-24K-1', 2),
    everyS: 5,
    loadW: 14_000,
    tags: ['rooftop', 'bakery oven'],
  }),
  site(BERLIN, 'Gymnasium am Stadtpark', {
    customer: {
      name: 'Bezirksamt Steglitz',
      kind: 'public',
      email: 'gebaeude@steglitz.test',
      contacts: [{ name: 'Jonas Weber', position: 'Caretaker', phone: '+493055501010' }],
    },
    address: 'Rothenburgstraße 18',
    at: [-7, -7],
    arrays: eastWest(10),
    devices: [...inverters(STRING_24, 'GS-24K-1', 6, { arrays: 2 }), shellyMeter('a0dd6c10b201')],
    loadW: 22_000,
    tags: ['school', 'rooftop'],
  }),
  site(BERLIN, 'Wohnhof Kreuzberg', {
    customer: { name: 'Wohnhof Kreuzberg eG', kind: 'commercial', email: 'verwaltung@wohnhof.test' },
    address: 'Oranienstraße 45',
    at: [1.5, -3],
    arrays: southRoof(15, 195),
    devices: inverters(MICRO_1500, '116182300100', 12),
    loadW: 9_000,
    tags: ['tenant electricity'],
  }),
  site(BERLIN, 'Logistik Spandau', {
    customer: {
      name: 'Spree Logistik GmbH',
      kind: 'commercial',
      email: 'technik@spreelogistik.test',
      contacts: [{ name: 'Mehmet Aydin', position: 'Facility manager', email: 'technik@spreelogistik.test' }],
    },
    address: 'Am Juliusturm 70',
    at: [-13, 1.5],
    arrays: eastWest(12),
    devices: [
      ...inverters(FIELD_60, 'SP-60-101', 14, { arrays: 2, externalId: underNode('Spandau') }),
      weatherStation('WS-SPANDAU'),
    ],
    loadW: 160_000,
    tags: ['full service', 'irradiance'],
  }),
  site(BERLIN, 'Yilmaz, Neukölln', {
    customer: { name: 'Familie Yilmaz', kind: 'residential', email: 'yilmaz@mail.test' },
    address: 'Weserstraße 101',
    at: [3, -5],
    arrays: southRoof(70),
    devices: [
      balconyPlug('Balcony plug', 'balcony-yilmaz-1', 0.88),
      balconyPlug('Roof terrace plug', 'balcony-yilmaz-2', 0.88),
    ],
    everyS: 60,
    loadW: 350,
    tags: ['balcony'],
  }),

  site(BAVARIA, 'Hof Lindenau', {
    customer: {
      name: 'Hof Lindenau',
      kind: 'commercial',
      email: 'hof@lindenau.test',
      contacts: [{ name: 'Theresa Lindner', position: 'Farmer', phone: '+498161555020' }],
    },
    address: 'Am Anger 3',
    at: [0, 0],
    arrays: southRoof(22),
    devices: [...troubled(inverters(STRING_40, 'HL-40K-1', 3), 1, 'dead-string'), shellyMeter('ec62609f1234')],
    everyS: 5,
    loadW: 24_000,
    tags: ['farm', 'full service'],
  }),
  site(BAVARIA, 'Molkerei Isartal', {
    customer: {
      name: 'Molkerei Isartal eG',
      kind: 'commercial',
      email: 'energie@isartal.test',
      contacts: [
        { name: 'Katharina Moser', position: 'Energy manager', email: 'energie@isartal.test' },
        { name: 'Bernd Huber', position: 'Electrician on duty', phone: '+498161555031' },
      ],
    },
    address: 'Isarstraße 40',
    at: [3, -4],
    arrays: southRoof(12),
    devices: [...inverters(STRING_40, 'MI-40K-1', 14), shellyMeter('ec62609f2001'), weatherStation('WS-ISARTAL')],
    loadW: 180_000,
    tags: ['full service', 'irradiance'],
  }),
  site(BAVARIA, 'Huber, Marzling', {
    customer: {
      name: 'Familie Huber',
      kind: 'residential',
      email: 'huber@mail.test',
      phone: '+4981615050',
      contacts: [{ name: 'Kim Huber', email: 'huber@mail.test', phone: '+4981615050' }],
    },
    address: 'Bergstraße 5',
    city: 'Marzling',
    at: [5, 1],
    arrays: southRoof(38),
    devices: victronHouse('c0619ab50017', 'HQ2201', 9.8, 10),
    loadW: 620,
    batteryWh: 10_000,
    tags: ['battery'],
  }),
  site(BAVARIA, 'Gärtnerei Moos', {
    customer: { name: 'Gärtnerei Moos', kind: 'commercial', email: 'moos@gaertnerei.test' },
    address: 'Moosstraße 61',
    at: [-3, -3],
    arrays: eastWest(15),
    devices: [
      ...troubled(inverters(STRING_24, 'GM-24K-1', 4, { arrays: 2 }), 3, 'silent'),
      shellyMeter('ec62609f3007'),
    ].map((device) => (device.trouble === 'silent' ? { ...device, part: 'second logger' } : device)),
    loadW: 15_000,
    tags: ['greenhouse'],
  }),
  site(BAVARIA, 'Brauhaus Attaching', {
    customer: { name: 'Brauhaus Attaching', kind: 'commercial', email: 'sud@attaching.test' },
    address: 'Dorfstraße 1',
    at: [2, -1.5],
    arrays: southRoof(30, 200),
    devices: replacedAt(1),
    loadW: 30_000,
    tags: ['full service'],
  }),

  site(HAMBURG, 'Petersen, Altona', {
    customer: {
      name: 'Familie Petersen',
      kind: 'residential',
      email: 'petersen@mail.test',
      phone: '+4940555040',
      contacts: [{ name: 'Kim Petersen', email: 'petersen@mail.test', phone: '+4940555040' }],
    },
    address: 'Elbchaussee 90',
    at: [0, 0],
    arrays: southRoof(40),
    devices: inverters(MICRO_1500, '116182300001', 4),
    loadW: 480,
    tags: ['rooftop'],
  }),
  site(HAMBURG, 'Brandt, Altona', {
    customer: { name: 'Familie Brandt', kind: 'residential', email: 'brandt@mail.test' },
    address: 'Elbchaussee 96',
    at: [0.15, 0.02],
    arrays: southRoof(35, 170),
    devices: inverters(MICRO_1500, '116182300021', 4),
    loadW: 410,
    tags: ['rooftop'],
  }),
  site(HAMBURG, 'Osei, Othmarschen', {
    customer: { name: 'Familie Osei', kind: 'residential', email: 'osei@mail.test' },
    address: 'Bernadottestraße 20',
    at: [-1.4, 0.6],
    arrays: southRoof(38, 190),
    devices: inverters(MIN_6000, 'TLX6HH0101', 1),
    everyS: 60,
    loadW: 450,
    tags: ['rooftop'],
  }),
  site(HAMBURG, 'Kita Elbkiesel', {
    customer: {
      name: 'Elbkinder gGmbH',
      kind: 'public',
      email: 'haus@elbkinder.test',
      contacts: [{ name: 'Svea Johannsen', position: 'Head of the day nursery' }],
    },
    address: 'Hohenzollernring 60',
    at: [1.2, 0.9],
    arrays: southRoof(12),
    devices: [...inverters(STRING_12, 'KE-12K-1', 3), shellyMeter('34987a671101')],
    loadW: 5_000,
    tags: ['school'],
  }),
  site(HAMBURG, 'Café Strandweg', {
    customer: { name: 'Café Strandweg', kind: 'commercial', email: 'moin@strandweg.test' },
    address: 'Övelgönne 60',
    at: [-2, 0.1],
    arrays: southRoof(30),
    devices: inverters(MICRO_1500, '116182300041', 6),
    loadW: 2_400,
    tags: ['rooftop'],
  }),
]

/** Three inverters, one of which took the place of another. */
function replacedAt(index: number) {
  const now = inverters(STRING_24, 'BA-24K-11', 3)
  const [old] = inverters(STRING_24, 'BA-24K-2', 1)
  return [
    ...troubled(now, index, 'new'),
    { ...old!, name: `Inverter ${index + 1} (first)`, trouble: 'replaced' as const },
  ]
}
