import { describe, expect, it } from 'vitest'
import { verdictSentence, type ExpectedNow } from '@heliograph/crm-core/contracts'
import { lostTogether } from '../solar/index.ts'
import { deadStrings, producingStrings } from './strings.ts'
import { verdict, type VerdictInput } from './verdict.ts'

const at = Date.parse('2026-06-21T09:40:00Z')
const words = { time: (ts: number) => new Date(ts).toISOString().slice(11, 16) }
const site = (changes: Partial<VerdictInput> = {}): VerdictInput => ({
  night: false,
  contact: 'some',
  lastSeenAt: at,
  producing: true,
  faults: [],
  limited: false,
  expected: {},
  deadStrings: [],
  inverters: [],
  ...changes,
})
const under: ExpectedNow = { expectedState: 'under', performanceNow: 0.96, underSince: at, expectedSource: 'peers' }
const named = (deviceName: string) => ({ deviceId: deviceName, deviceName })
const fault = { ...named('Inverter 1'), code: '309', since: at }

describe('the verdict', () => {
  it.each<[string, Partial<VerdictInput>]>([
    [
      'Producing, 4 % under expected since 09:40: string 2 of Inverter 3',
      { expected: under, deadStrings: [{ ...named('Inverter 3'), string: 2 }] },
    ],
    [
      'Producing, 4 % under expected since 09:40: Inverter 2',
      {
        expected: under,
        inverters: [
          { ...named('Inverter 1'), share: 0.5 },
          { ...named('Inverter 2'), share: 0.2 },
        ],
      },
    ],
    [
      'Producing, 4 % under expected since 09:40',
      {
        expected: under,
        inverters: [
          { ...named('Inverter 1'), share: 0.5 },
          { ...named('Inverter 2'), share: 0.48 },
        ],
      },
    ],
    [
      'Not producing, 100 % under expected since 09:40',
      { expected: { ...under, performanceNow: 0 }, producing: false },
    ],
    ['Producing as expected', { expected: { expectedState: 'ok', expectedSource: 'irradiance' } }],
    ['Night', { night: true, producing: false }],
    ['Night', { night: true, contact: 'lost' }],
    ['No contact since 09:40', { contact: 'lost' }],
    ['No contact since 09:40: the grid of the street is a likely cause', { contact: 'lost', lostTogether: true }],
    ['Nothing heard yet', { contact: 'never' }],
    [
      'Inverter 1 reports a fault since 09:40: 309, grid voltage',
      { faults: [{ ...fault, text: 'grid voltage' }], expected: under },
    ],
    ['Held back by a limit', { limited: true, expected: under }],
    ['Held back by a limit', { expected: { expectedState: 'curtailed' } }],
    ['Producing at the limit of its inverters', { expected: { expectedState: 'clipped' } }],
    ['Producing; not enough measured to judge', {}],
    [
      'Producing; not enough measured to judge: string 1 of Inverter 1',
      { deadStrings: [{ ...named('Inverter 1'), string: 1 }] },
    ],
    ['Not enough measured to judge', { producing: false, expected: { expectedState: 'dim' } }],
  ])('%s', (sentence, changes) => {
    expect(verdictSentence(verdict(site(changes)), words)).toBe(sentence)
  })
  it('says what it rests on', () => {
    expect(verdict(site({ expected: under }))).toMatchObject({
      kind: 'under-expected',
      source: 'peers',
      percent: 4,
      producing: true,
    })
  })
})

describe('strings', () => {
  it.each<[string, [number | undefined, number | undefined][], boolean[], number[]]>([
    [
      'all produce',
      [
        [600, 5],
        [590, 5.2],
      ],
      [],
      [],
    ],
    [
      'one with voltage and no current',
      [
        [600, 5],
        [640, 0],
      ],
      [],
      [2],
    ],
    [
      'an input that was never used',
      [
        [600, 5],
        [0, 0],
      ],
      [],
      [],
    ],
    [
      'an input that has produced',
      [
        [600, 5],
        [0, 0],
      ],
      [true, true],
      [2],
    ],
    [
      'a west roof in the morning',
      [
        [600, 6],
        [560, 0.5],
      ],
      [],
      [],
    ],
    [
      'dawn',
      [
        [400, 0.3],
        [390, 0],
      ],
      [true, true],
      [],
    ],
    [
      'all dead',
      [
        [600, 0],
        [600, 0],
      ],
      [true, true],
      [],
    ],
    [
      'three of four',
      [
        [600, 5],
        [600, 0],
        [600, 0],
        [600, 0],
      ],
      [],
      [2, 3, 4],
    ],
    [
      'a current that is not told',
      [
        [600, 5],
        [600, undefined],
      ],
      [],
      [],
    ],
    ['one input', [[600, 0]], [true], []],
  ])('%s', (_, inputs, produced, dead) => {
    const dc = inputs.map(([voltage_v, current_a]) => ({
      ...(voltage_v !== undefined && { voltage_v }),
      ...(current_a !== undefined && { current_a }),
    }))
    expect(deadStrings(dc, produced)).toEqual(dead)
  })
  it('by power where no currents are told', () => {
    expect(deadStrings([{ power_w: 1_500 }, { power_w: 0 }], [true, true])).toEqual([2])
    expect(producingStrings([{ power_w: 1_500 }, { current_a: 2 }, { power_w: 0 }, {}])).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})

describe('lost together', () => {
  const street = ['a', 'b', 'c'].map((id, index) => ({
    id,
    latitude: 50,
    longitude: 8 + index * 0.002,
    lostAt: at + index * 60_000,
  }))
  it('needs three of one street within minutes', () => {
    expect([...lostTogether(street)].sort()).toEqual(['a', 'b', 'c'])
    expect(lostTogether(street.slice(1)).size).toBe(0)
    expect(lostTogether(street.map((each, index) => ({ ...each, lostAt: at + index * 3_600_000 }))).size).toBe(0)
    expect(lostTogether(street.map((each, index) => ({ ...each, longitude: 8 + index * 0.2 }))).size).toBe(0)
  })
})
