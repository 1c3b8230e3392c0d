import { describe, expect, it } from 'vitest'
import { readCell, readMapping } from './import-columns.ts'

describe('--map', () => {
  it('names several columns with their units', () => {
    const mapping = readMapping('AC_POWER=ac_power_w:kW,TOTAL_YIELD=energy_total_wh:kWh,POA=irradiance_wm2')
    expect(mapping.map(({ column, metric, convert }) => [column, metric, convert(2)])).toEqual([
      ['AC_POWER', 'ac_power_w', 2_000],
      ['TOTAL_YIELD', 'energy_total_wh', 2_000],
      ['POA', 'irradiance_wm2', 2],
    ])
  })
  it('takes columns with commas, colons and equals signs in their names', () => {
    expect(readMapping('Power, AC (kW)=ac_power_w:kW,a=b:c=dc_power_w').map(({ column }) => column)).toEqual([
      'Power, AC (kW)',
      'a=b:c',
    ])
  })
  it.each([
    ['ac_power_w:F', 32, 'W'],
    ['nonsense', 0, 'metric'],
    ['ac_power_w,b=ac_power_w', 0, 'twice'],
  ])('refuses a=%s', (rest) => {
    expect(() => readMapping(`a=${rest}`)).toThrow(expect.objectContaining({ exitCode: 2 }))
  })
  it('converts degrees Fahrenheit', () => {
    expect(readMapping('t=module_temp_c:F')[0]!.convert(212)).toBeCloseTo(100)
  })
})

describe('a cell', () => {
  const [power] = readMapping('P=ac_power_w:kW') as [ReturnType<typeof readMapping>[number]]
  it.each(['', ' ', '--', 'NaN', 'null', 'N/A', '-'])('"%s" is no value', (text) => {
    expect(readCell(text, power)).toBeUndefined()
  })
  it.each([
    ['2.8154', 2815.4],
    ['-0.15', -150],
    ['0', 0],
    ['1.5e-3', 1.5],
  ])('%s kW', (text, expected) => {
    expect(readCell(text, power)).toBeCloseTo(expected)
  })
  it.each(['abc', '1e309', 'Infinity', '-1000000', '-1000000.0', '12 34', '1e20'])('"%s" is refused', (text) => {
    expect(() => readCell(text, power)).toThrow(RangeError)
  })
  it('has a decimal comma only where the file does not separate by commas', () => {
    expect(readCell('2,5', { ...power, decimalComma: true })).toBe(2_500)
    expect(() => readCell('2,5', power)).toThrow(RangeError)
  })
})
