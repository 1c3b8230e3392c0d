import { describe, expect, it } from 'vitest'
import { bytes, counted, exact, figure, figureText, money, onScale, scaleFor, share } from './numbers.ts'

describe('figures', () => {
  it.each([
    [0, 'W', '0', 'W'],
    [-0.4, 'W', '-0', 'W'],
    [999, 'W', '999', 'W'],
    [999.7, 'W', '1.00', 'kW'],
    [5321, 'W', '5.32', 'kW'],
    [53_210, 'W', '53.2', 'kW'],
    [999_999, 'W', '1.00', 'MW'],
    [-5321, 'W', '-5.32', 'kW'],
    [123_456_789, 'Wh', '123', 'MWh'],
    [2.5e9, 'Wh', '2.50', 'GWh'],
    [50.012, 'Hz', '50.0', 'Hz'],
    [64, '%', '64.0', '%'],
    [1200, 'W/m²', '1,200', 'W/m²'],
  ])('%s %s reads %s %s', (value, unit, text, shown) => {
    expect(figure(value, unit)).toEqual({ text: text === '-0' ? expect.stringMatching(/^-?0$/) : text, unit: shown })
  })
  it('makes nothing of what was not measured: absent is never zero', () => {
    for (const value of [undefined, null, Number.NaN, Infinity]) {
      expect(figure(value, 'W')).toBeUndefined()
      expect(figureText(value, 'W')).toBe('not measured')
      expect(exact(value, 'W')).toBe('not measured')
    }
  })
  it('follows the locale', () => {
    expect(figureText(5321, 'W', 'de')).toBe('5,32 kW')
    expect(exact(1234.5678, 'W', 'en')).toBe('1,234.568 W')
  })
  it('keeps the values of one chart on one scale', () => {
    const scale = scaleFor(41_900, 'W')
    expect(scale).toEqual({ factor: 1000, unit: 'kW' })
    expect([0, 500, 41_900].map((value) => onScale(value, scale))).toEqual(['0', '0.5', '41.9'])
  })
  it('counts things in words, one of them as one', () => {
    expect(counted(1, 'alarm')).toBe('1 alarm')
    expect(counted(0, 'alarm')).toBe('0 alarms')
    expect(counted(1200, 'site', 'en')).toBe('1,200 sites')
    expect(counted(2, 'day in force', 'en', 'days in force')).toBe('2 days in force')
  })
  it('never rounds a share up to all of it', () => {
    expect(share(0.99996)).toBe('99.9 %')
    expect(share(1)).toBe('100 %')
    expect(share(0)).toBe('0 %')
    expect(share(0.00001)).toBe('0.1 %')
    expect(share(0.962)).toBe('96.2 %')
  })
  it('tells sizes and money', () => {
    expect(bytes(48)).toBe('48 B')
    expect(bytes(1536)).toBe('1.5 KiB')
    expect(bytes(64 * 1024 * 1024)).toBe('64 MiB')
    expect(money({ amount: 1260, currency: 'EUR' })).toBe('€12.60')
    expect(money({ amount: 1260, currency: 'JPY' })).toBe('¥1,260')
    expect(money(null)).toBe('not known')
  })
})
