import { describe, expect, it } from 'vitest'
import type { Alarm, Incident } from '@heliograph/crm-core/contracts'
import { alarmsOf, alarmsOfRows, causesOf, causeState, triageRows } from './causes.ts'

const at = (hour: number) => `2026-06-01T${String(hour).padStart(2, '0')}:00:00.000Z`
const now = Date.parse(at(12))
const alarm = (id: string, rest: Partial<Alarm> = {}): Alarm => ({
  id,
  version: 1,
  type: 'device_silent',
  severity: 'major',
  siteId: 's',
  deviceId: id,
  message: `${id} is silent`,
  details: null,
  raisedAt: at(8),
  clearedAt: null,
  acknowledgedAt: null,
  acknowledgedBy: null,
  mutedUntil: null,
  muteReason: null,
  historic: false,
  incidentId: null,
  ticketId: null,
  ...rest,
})

describe('causes', () => {
  it('are one row for each kind at a site, or for each incident', () => {
    const causes = causesOf(
      [
        alarm('a'),
        alarm('b', { raisedAt: at(7) }),
        alarm('c', { siteId: 't' }),
        alarm('d', { type: 'no_power', incidentId: 'i' }),
        alarm('e', { type: 'grid_trip', incidentId: 'i', severity: 'critical' }),
      ],
      now,
    )
    expect(causes.map(({ alarms, severity }) => [alarms.map(({ id }) => id).join(''), severity])).toEqual([
      ['ed', 'critical'],
      ['ba', 'major'],
      ['c', 'major'],
    ])
    expect(causes[1]).toMatchObject({ since: Date.parse(at(7)), message: 'b is silent' })
  })
  it('are one row over several sites where alarms have one cause beyond them', () => {
    const street = ['s', 't', 'u'].map((siteId) => alarm(siteId, { siteId, type: 'device-silent', incidentId: 'i' }))
    const incident: Incident = {
      id: 'i',
      version: 1,
      createdAt: at(8),
      updatedAt: at(8),
      cause: 'grid',
      type: 'device-silent',
      severity: 'major',
      startedAt: at(8),
      clearedAt: null,
      siteIds: ['s', 't', 'u'],
      ticketId: null,
    }
    const [cause, ...more] = causesOf(street, now, [incident])
    expect(more).toEqual([])
    expect(cause).toMatchObject({ incidentId: 'i', siteIds: ['s', 't', 'u'] })
    expect(cause!.message).toBe('No contact with 3 sites at once: the grid of their street is the likely cause')
    expect(triageRows([cause!], new Set([cause!.key]))).toHaveLength(4)
  })
  it('put what nobody has seen before what somebody is on, and the muted last', () => {
    const causes = causesOf(
      [
        alarm('m', { siteId: 'm', severity: 'critical', mutedUntil: at(20) }),
        alarm('k', { siteId: 'k', severity: 'critical', acknowledgedAt: at(9) }),
        alarm('n', { siteId: 'n', severity: 'minor' }),
        alarm('o', { siteId: 'o', mutedUntil: at(11) }),
      ],
      now,
    )
    expect(causes.map((cause) => `${cause.siteId} ${causeState(cause)}`)).toEqual([
      'o new',
      'n new',
      'k acknowledged',
      'm muted',
    ])
  })
  it('put what costs most first among what is equally bad, and what is not measured after it', () => {
    const losses: Record<string, number> = { little: 200, much: 9000, none: 0 }
    const causes = causesOf(
      [
        alarm('u', { siteId: 'unmeasured', raisedAt: at(1) }),
        alarm('z', { siteId: 'none', raisedAt: at(2) }),
        alarm('l', { siteId: 'little', raisedAt: at(3) }),
        alarm('m', { siteId: 'much', raisedAt: at(9) }),
        alarm('s', { siteId: 'much', type: 'zero-power', severity: 'minor' }),
        alarm('c', { siteId: 'none', severity: 'critical', type: 'fault' }),
        alarm('k', { siteId: 'much', severity: 'critical', type: 'seen', acknowledgedAt: at(9) }),
      ],
      now,
      [],
      (siteId) => losses[siteId],
    )
    expect(causes.map((cause) => [cause.siteId, cause.severity, cause.lossWh])).toEqual([
      ['none', 'critical', 0],
      ['much', 'major', 9000],
      ['little', 'major', 200],
      ['none', 'major', 0],
      ['unmeasured', 'major', undefined],
      ['much', 'minor', 9000],
      ['much', 'critical', 9000],
    ])
  })
  it('count the loss of a site once, however many of its devices tell of it, and say where it is measured', () => {
    const street = [
      alarm('a', { siteId: 's', incidentId: 'i' }),
      alarm('b', { siteId: 's', incidentId: 'i' }),
      alarm('c', { siteId: 't', incidentId: 'i' }),
      alarm('d', { siteId: 'dark', incidentId: 'i' }),
    ]
    const losses: Record<string, number> = { s: 1000, t: 500 }
    expect(causesOf(street, now, [], (siteId) => losses[siteId])[0]).toMatchObject({ lossWh: 1500, lossSites: 2 })
    expect(causesOf([alarm('a')], now)[0]).toMatchObject({ lossWh: undefined, lossSites: 0 })
  })
  it('are acknowledged only when every alarm of theirs is', () => {
    const [cause] = causesOf([alarm('a', { acknowledgedAt: at(9) }), alarm('b', { ticketId: 't' })], now)
    expect(cause).toMatchObject({ acknowledged: false, ticketId: 't' })
  })
  it('open to their single alarms', () => {
    const causes = causesOf([alarm('a'), alarm('b'), alarm('c', { siteId: 't' })], now)
    const rows = triageRows(causes, new Set(causes.map(({ key }) => key)))
    expect(
      rows.map((row) =>
        alarmsOf(row)
          .map(({ id }) => id)
          .join(''),
      ),
    ).toEqual(['ab', 'a', 'b', 'c'])
    expect(triageRows(causes, new Set())).toHaveLength(2)
    // A cause and one of its own picked together are acted on once.
    expect(alarmsOfRows(rows).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  })
})
