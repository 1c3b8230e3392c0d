import { describe, expect, test } from 'vitest'
import { toCsv } from '../charts/csv.ts'
import { MOST_ROWS, parseCsv, readClaims } from './csv-claims.ts'

const unclaimed = [
  { id: 'u1', serial: 'A-1', externalId: 'x1' },
  { id: 'u2', serial: null, externalId: 'B-2' },
  { id: 'u3', serial: 'C-3', externalId: 'c3' },
  { id: 'u4', serial: 'C-3', externalId: 'c4' },
]
const sites = [
  { id: 's1', name: 'Roof' },
  { id: 's2', name: 'Barn' },
  { id: 's3', name: 'Barn' },
]

describe("a spreadsheet's CSV", () => {
  test.each([
    [
      'commas',
      'a,b\r\n1,2\r\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'semicolons',
      'a;b\n1;"2;3"',
      [
        ['a', 'b'],
        ['1', '2;3'],
      ],
    ],
    [
      'tabs and a byte order mark',
      '\ufeffa\tb\r1\t2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'quotes, line breaks within, doubled quotes',
      'a,b\n"1\n2","say ""x"""',
      [
        ['a', 'b'],
        ['1\n2', 'say "x"'],
      ],
    ],
    [
      'empty lines',
      'a,b\n\n , \n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['nothing', '', []],
  ])('%s', (_name, text, rows) => expect(parseCsv(text)).toEqual(rows))
})

describe('claims by a list', () => {
  const problems = (text: string) =>
    readClaims(text, unclaimed, sites).rows.map(({ line, problem, claim }) => [line, problem ?? claim?.unclaimedId])
  test('devices are found by serial or by what the vendor calls them, sites by name or id, whatever the case', () => {
    expect(
      readClaims('Serial,Site,Name,Kind,Role\na-1,roof,East,meter,grid\nb-2,s2,,,\n', unclaimed, sites).rows.map(
        ({ claim }) => claim,
      ),
    ).toEqual([
      { unclaimedId: 'u1', siteId: 's1', siteName: 'Roof', name: 'East', kind: 'meter', role: 'grid' },
      { unclaimedId: 'u2', siteId: 's2', siteName: 'Barn' },
    ])
  })
  test('every row that cannot be claimed says why, and stops no other', () => {
    expect(
      problems(
        'serial,site,kind,role\n,Roof,,\nZ,Roof,,\nC-3,Roof,,\nA-1,,,\nA-1,Nowhere,,\nA-1,Barn,,\nA-1,Roof,kettle,\nA-1,Roof,,boss\nA-1,Roof,,\nA-1,Roof,,',
      ),
    ).toEqual([
      [2, 'No serial number'],
      [3, 'No unclaimed device has this serial number'],
      [4, 'Several unclaimed devices have this serial number; claim them one by one'],
      [5, 'No site'],
      [6, 'No site has this name or id'],
      [7, 'Several sites have this name; use the id'],
      [8, '"kettle" is no kind: inverter, meter, battery, weather, gateway, optimizer, charger'],
      [9, '"boss" is no role: production, grid, load, battery, irradiance, none'],
      [10, 'u1'],
      [11, 'The same device stands in an earlier line'],
    ])
  })
  test('a list without its columns, or with too many rows, is refused as a whole', () => {
    expect(readClaims('a,b\n1,2', unclaimed, sites).problem).toContain('"serial" and "site"')
    expect(readClaims(`serial,site\n${'A-1,Roof\n'.repeat(MOST_ROWS + 1)}`, unclaimed, sites).problem).toContain(
      'At most',
    )
    expect(readClaims('', unclaimed, sites).problem).toBe('The file is empty.')
  })
  test('a serial that a spreadsheet would compute with comes out defused and goes in as it was', () => {
    const evil = '=HYPERLINK("http://x")'
    const file = toCsv(['serial', 'site'], [[evil, 'Roof']])
    expect(file).toContain(`'=HYPERLINK`)
    expect(readClaims(file, [{ id: 'u9', serial: evil, externalId: 'e' }], sites).rows[0]?.claim?.unclaimedId).toBe(
      'u9',
    )
  })
})
