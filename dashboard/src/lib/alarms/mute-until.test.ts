import { describe, expect, it } from 'vitest'
import { localZone } from '../format/times.ts'
import { clockOf, muteEnd } from './mute-until.ts'

const now = Date.parse('2026-06-21T10:00:00.000Z')

describe('the end of a mute', () => {
  it('lies a span ahead', () => {
    expect(muteEnd('8h', '', 'UTC', now)).toBe(now + 8 * 3_600_000)
  })
  it.each([
    ['2026-06-21T18:30', 'Europe/Berlin', '2026-06-21T16:30:00.000Z'],
    ['2026-06-21T18:30', 'America/Santiago', '2026-06-21T22:30:00.000Z'],
    ['2026-06-21T18:30', 'Asia/Kolkata', '2026-06-21T13:00:00.000Z'],
    // Skipped by the change of clocks: the moment of the change.
    ['2027-03-28T02:30', 'Europe/Berlin', '2027-03-28T01:30:00.000Z'],
  ])('%s on the clock of %s is %s', (wall, zone, instant) => {
    expect(muteEnd('until', wall, zone, now)).toBe(Date.parse(instant))
  })
  it('is refused where it is over already on that clock, and where nothing was chosen', () => {
    expect(muteEnd('until', '2026-06-21T11:30', 'Europe/Berlin', now)).toBe('This is over already.')
    expect(muteEnd('until', '2026-06-21T11:30', 'UTC', now)).toBe(now + 90 * 60_000)
    expect(muteEnd('until', '', 'UTC', now)).toBe('Choose a date and a time.')
  })
})

describe('the clock that is meant', () => {
  it('is the sites’ own where they share one, else the browser’s', () => {
    expect(clockOf(['Asia/Kolkata', 'Asia/Kolkata'])).toEqual({ zone: 'Asia/Kolkata', ofSite: true })
    expect(clockOf(['Asia/Kolkata', 'Europe/Berlin'])).toEqual({ zone: localZone(), ofSite: false })
    expect(clockOf([undefined])).toEqual({ zone: localZone(), ofSite: false })
    expect(clockOf([])).toEqual({ zone: localZone(), ofSite: false })
  })
})
