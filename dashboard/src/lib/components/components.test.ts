import { describe, expect, it } from 'vitest'
import { SITE_STATUSES, TICKET_STATUSES as CONTRACT_TICKET_STATUSES } from '@heliograph/crm-core/contracts'
import { deviceMark, siteMark, TICKET_STATUSES } from './marks.ts'
import { leastWidth, parseSort, sortText } from './table.ts'
import { mostDrawn, OVERSCAN, scrollToShow, virtualWindow } from './virtual.ts'

describe('a virtual list', () => {
  it('draws what is in sight and a few more', () => {
    const view = virtualWindow(10_000, 40, 4000, 400)
    expect([view.first, view.end]).toEqual([100 - OVERSCAN, 110 + OVERSCAN])
    expect(view.before + (view.end - view.first) * 40 + view.after).toBe(400_000)
  })
  it('has sane ends', () => {
    expect(virtualWindow(0, 40, 0, 400)).toEqual({ first: 0, end: 0, before: 0, after: 0 })
    expect(virtualWindow(3, 40, 0, 400)).toEqual({ first: 0, end: 3, before: 0, after: 0 })
    // Filtered down while scrolled far: the rows that are left are drawn.
    expect(virtualWindow(5, 40, 90_000, 400)).toEqual({ first: 0, end: 5, before: 0, after: 0 })
  })
  it('never draws more rows than it has places for', () => {
    for (const viewHeight of [0, 333, 400, 1000])
      for (let top = 0; top < 500; top += 7) {
        const { first, end } = virtualWindow(10_000, 41, 3000 + top, viewHeight)
        expect(end - first).toBeLessThanOrEqual(mostDrawn(41, viewHeight))
      }
  })
  it('scrolls no further than needed to show a row', () => {
    expect(scrollToShow(5, 40, 0, 400, 40)).toBe(0)
    expect(scrollToShow(9, 40, 0, 400, 40)).toBe(40)
    expect(scrollToShow(2, 40, 200, 400, 40)).toBe(80)
  })
})

describe('how a device is', () => {
  it('is its own word, where it has one', () => {
    expect(deviceMark('fault', { heard: 'live' }).word).toBe('Fault')
    expect(deviceMark('unreachable', { heard: 'live' }).word).toBe('No contact')
  })
  it('an inverter that the dark has put to sleep is not lost', () => {
    expect(deviceMark('unreachable', { heard: 'stale', night: true }).word).toBe('Night')
    expect(deviceMark('fault', { heard: 'live', night: true }).word).toBe('Fault')
  })
  it('a meter tells values and no status: whether it speaks is what there is to say', () => {
    expect(deviceMark(null, { heard: 'live' })).toMatchObject({ word: 'Reporting', tone: 'good' })
    expect(deviceMark(null, { heard: 'stale' }).word).toBe('Quiet')
    expect(deviceMark(null).word).toBe('Not seen yet')
  })
})

it('orders go into the address and back', () => {
  const keys = ['name', 'power'] as const
  const usual = { key: 'name', down: false } as const
  expect(parseSort('-power', keys, usual)).toEqual({ key: 'power', down: true })
  expect(parseSort('nonsense', keys, usual)).toEqual(usual)
  expect(parseSort(null, keys, usual)).toEqual(usual)
  expect(sortText({ key: 'power', down: true })).toBe('-power')
})
it('columns know their least width', () => {
  expect(leastWidth([{ width: 'minmax(11rem, 2fr)' }, { width: '7.5rem' }])).toBe(18.5)
})
it('every status has icon and word of its own, and night is shown as night', () => {
  const marks = SITE_STATUSES.map((status) => siteMark(status))
  expect(new Set(marks.map((mark) => mark.word)).size).toBe(SITE_STATUSES.length)
  expect(new Set(marks.map((mark) => mark.icon)).size).toBe(SITE_STATUSES.length)
  expect(siteMark('idle', true).word).toBe('Night')
  expect(siteMark('down', true).word).toBe('Down')
  expect(TICKET_STATUSES).toEqual([...CONTRACT_TICKET_STATUSES])
})
