import { expect, test } from 'vitest'
import type { Alarm, Ticket } from '@heliograph/crm-core/contracts'
import { newSite, siteBody } from './site-body.ts'
import { timelineOf } from './timeline.ts'

test('the timeline tells tickets and alarms, newest first, with their place', () => {
  const ticket = {
    id: 't',
    number: 7,
    subject: 'Dark',
    siteId: 's',
    status: 'resolved',
    createdAt: '2026-06-01T08:00:00.000Z',
    updatedAt: '2026-06-03T08:00:00.000Z',
  } as Ticket
  const alarm = {
    id: 'a',
    siteId: 's',
    severity: 'major',
    message: 'Silent',
    raisedAt: '2026-06-01T07:00:00.000Z',
    clearedAt: '2026-06-02T07:00:00.000Z',
  } as Alarm
  const open = { ...alarm, id: 'b', clearedAt: null, raisedAt: '2026-06-04T07:00:00.000Z' } as Alarm
  const told = timelineOf([ticket], [alarm, open], [{ id: 's', name: 'Roof' }])
  expect(told.map(({ what, place }) => `${what} ${place ?? ''}`)).toEqual([
    'Alarm Roof',
    'Ticket resolved Roof',
    'Alarm over Roof',
    'Ticket opened Roof',
    'Alarm Roof',
  ])
})

test('a site is sent in watts, with numbers as people type them, and without what is empty', () => {
  const fields = { ...newSite(), name: ' Roof ', timezone: 'Europe/Berlin', latitude: '48,02', peakKw: '9.9' }
  expect(siteBody(fields)).toEqual({ name: 'Roof', timezone: 'Europe/Berlin', latitude: 48.02, peakPowerW: 9900 })
  // Refused by the server, which says where.
  expect(siteBody({ ...fields, longitude: 'east' })['longitude']).toBe('east')
})
