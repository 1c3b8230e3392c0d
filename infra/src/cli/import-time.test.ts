import { describe, expect, it } from 'vitest'
import { timeReader } from './import-time.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

describe('times of a file', () => {
  it.each([
    ['2020-05-15 00:15:00', undefined, '2020-05-14T18:45:00.000Z'],
    ['2020-05-15T00:15', undefined, '2020-05-14T18:45:00.000Z'],
    ['2020-05-15', undefined, '2020-05-14T18:30:00.000Z'],
    ['2020-05-15 00:15:00.250', undefined, '2020-05-14T18:45:00.250Z'],
    // An offset of its own wins over the zone.
    ['2016-07-01 00:15:00-07:00', undefined, '2016-07-01T07:15:00.000Z'],
    ['2016-07-01T00:15:00Z', undefined, '2016-07-01T00:15:00.000Z'],
    ['2016-07-01 00:15:00 +0200', undefined, '2016-06-30T22:15:00.000Z'],
    // The year last behind "-" or ".": nobody writes the month first that way.
    ['15-05-2020 00:15', undefined, '2020-05-14T18:45:00.000Z'],
    ['15.05.2020 00:15:30', undefined, '2020-05-14T18:45:30.000Z'],
    ['15-05-2020 00:15', '%d-%m-%Y %H:%M', '2020-05-14T18:45:00.000Z'],
    ['15-05-2020 00:15', 'dd-MM-yyyy HH:mm', '2020-05-14T18:45:00.000Z'],
    ['15-05-2020 00:15', 'DD-MM-YYYY HH:mm', '2020-05-14T18:45:00.000Z'],
    ['15-05-2020 00:15', 'dd-mm-yyyy HH:MM', '2020-05-14T18:45:00.000Z'],
    ['1/2/2022 0:15', 'M/d/yyyy H:mm', '2022-01-01T18:45:00.000Z'],
    ['1/2/2022 0:15', '%m/%d/%Y %H:%M', '2022-01-01T18:45:00.000Z'],
    ['1/2/22 12:15 AM', 'M/d/yy h:mm a', '2022-01-01T18:45:00.000Z'],
    ['02 Jan 2022 00:15', 'dd MMM yyyy HH:mm', '2022-01-01T18:45:00.000Z'],
    ['20220102001500', 'yyyyMMddHHmmss', '2022-01-01T18:45:00.000Z'],
    ['2022-01-02T00:15:00+01:00', "yyyy-MM-dd'T'HH:mm:ssZZ", '2022-01-01T23:15:00.000Z'],
    ['2022-002 00:15', '%Y-%j %H:%M', '2022-01-01T18:45:00.000Z'],
    ['1641062700', 'epoch_s', '2022-01-01T18:45:00.000Z'],
    ['1641062700250', 'epoch_ms', '2022-01-01T18:45:00.250Z'],
    // A logger's midnight.
    ['2022-01-01 24:00', undefined, '2022-01-01T18:30:00.000Z'],
  ])('reads %s as %s', (text, format, expected) => {
    expect(iso(timeReader('Asia/Kolkata', format).read(text))).toBe(expected)
  })

  it.each([
    ['', undefined],
    ['TS', undefined],
    ['2022-02-30 00:00', undefined],
    ['2022-01-01 24:01', undefined],
    ['2022-01-01 10:60', undefined],
    // Nobody knows which of the two is the month.
    ['1/2/2022 0:00', undefined],
    ['13/13/2022 0:00', 'M/d/yyyy H:mm'],
    ['0000-01-01 00:00', undefined],
    ['9999-01-01 00:00', undefined],
    ['1e400', 'epoch_s'],
    ['', 'epoch_ms'],
  ])('refuses "%s" (%s)', (text, format) => {
    expect(() => timeReader('UTC', format).read(text)).toThrow(RangeError)
  })

  it('refuses an unknown zone or format as wrong use', () => {
    expect(() => timeReader('Mars/Olympus')).toThrow(/not an IANA/)
    expect(() => timeReader('UTC', '%Q')).toThrow(/not understood/)
    expect(() => timeReader('UTC', 'HH:mm')).toThrow(/no year/)
  })

  it('tells the two passes of the doubled hour apart by the order of the rows', () => {
    const { read } = timeReader('Europe/Berlin')
    let previous: number | undefined
    const seen = ['01:30', '02:00', '02:30', '02:00', '02:30', '03:00'].map((time) =>
      iso((previous = read(`2024-10-27 ${time}`, previous))),
    )
    expect(seen).toEqual([
      '2024-10-26T23:30:00.000Z',
      '2024-10-27T00:00:00.000Z',
      '2024-10-27T00:30:00.000Z',
      '2024-10-27T01:00:00.000Z',
      '2024-10-27T01:30:00.000Z',
      '2024-10-27T02:00:00.000Z',
    ])
  })
  it('tells them apart for a logger that writes once an hour', () => {
    const { read } = timeReader('America/Denver')
    let previous: number | undefined
    const seen = ['00:00', '01:00', '01:00', '02:00'].map((time) => (previous = read(`2022-11-06 ${time}`, previous)))
    expect(seen.slice(1).map((at, index) => at - seen[index]!)).toEqual([3_600_000, 3_600_000, 3_600_000])
  })
  it('keeps rows that are out of order where they belong on any other day', () => {
    const { read } = timeReader('Europe/Berlin')
    expect(iso(read('2024-06-01 02:00', Date.parse('2024-06-01T10:00:00Z')))).toBe('2024-06-01T00:00:00.000Z')
  })
  it('reads an hour that is skipped with the offset from before', () => {
    expect(iso(timeReader('Europe/Berlin').read('2024-03-31 02:30'))).toBe('2024-03-31T01:30:00.000Z')
  })
})
