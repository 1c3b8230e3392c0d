import type { Alarm, LiveSite } from '@heliograph/crm-core/contracts'
import { describe, expect, it } from 'vitest'
import { selfUse } from './self-use.ts'
import { plainSentence } from './sentence.ts'
import { troublesOf } from './troubles.ts'

const alarm = (over: Partial<Alarm>): Alarm => ({
  id: 'a',
  version: 1,
  type: 'inverter-fault',
  severity: 'critical',
  siteId: 's1',
  deviceId: null,
  message: 'Inverter 2 reports a fault: F-24',
  details: null,
  raisedAt: '2026-06-21T10:00:00.000Z',
  clearedAt: null,
  acknowledgedAt: null,
  acknowledgedBy: null,
  mutedUntil: null,
  muteReason: null,
  historic: false,
  incidentId: null,
  ticketId: null,
  ...over,
})

describe('known trouble', () => {
  it('is told in plain words, once per system and kind, since its first', () => {
    const found = troublesOf([
      alarm({ id: 'b', raisedAt: '2026-06-21T12:00:00.000Z', ticketId: 't9' }),
      alarm({}),
      alarm({ id: 'c', siteId: 's2', type: 'dead-string', raisedAt: '2026-06-20T00:00:00.000Z' }),
    ])
    expect(found.map(({ siteId, ticketId }) => [siteId, ticketId])).toEqual([
      ['s1', 't9'],
      ['s2', undefined],
    ])
    expect(found[0]!.since).toBe(Date.parse('2026-06-21T10:00:00.000Z'))
  })
  it('never shows a code or the words of a rule, also for kinds that are new', () => {
    const text = troublesOf([alarm({}), alarm({ id: 'n', type: 'brand-new-rule' })])
      .map((one) => `${one.text} ${one.meaning}`)
      .join(' ')
    expect(text).not.toMatch(/F-24|alarm|brand-new/i)
  })
  it('is over when it is over, and information is none', () => {
    expect(
      troublesOf([
        alarm({ clearedAt: '2026-06-21T11:00:00.000Z' }),
        alarm({ severity: 'info' }),
        alarm({ historic: true }),
      ]),
    ).toEqual([])
  })
})

describe('own use', () => {
  it.each([
    [
      { madeWh: 10_000, importWh: 3_000, exportWh: 6_000 },
      { ownWh: 4_000, ownShare: 0.4, independence: 4 / 7 },
    ],
    [
      { madeWh: 0, importWh: 3_000, exportWh: 0 },
      { ownWh: 0, ownShare: undefined, independence: 0 },
    ],
    [
      { madeWh: 5_000, importWh: undefined, exportWh: 5_100 },
      { ownWh: 0, ownShare: 0, independence: undefined },
    ],
    [
      { madeWh: 0, importWh: 0, exportWh: 0 },
      { ownWh: 0, ownShare: undefined, independence: undefined },
    ],
  ])('%j', (balance, expected) => {
    expect(selfUse(balance)).toMatchObject(expected)
  })
  it('is not told where feeding in is not measured', () => {
    expect(selfUse({ madeWh: 10_000, importWh: 1_000, exportWh: undefined })).toBeUndefined()
  })
})

describe('the sentence', () => {
  const site = (over: Partial<LiveSite>): LiveSite => ({ status: 'producing', ...over })
  it.each([
    [[], 'No system has been set up for you yet.', 'calm'],
    [[site({})], 'Your system is producing. All is well.', 'good'],
    [[site({ status: 'idle', night: true })], 'It is night. All is well.', 'good'],
    [[site({ status: 'silent', night: true })], 'We cannot reach your system; it may well be producing.', 'warn'],
    [[site({ status: 'down' })], 'Your system is not producing although there should be sun.', 'bad'],
    [[site({}), site({ status: 'degraded' })], 'One of your systems makes less than expected.', 'warn'],
    [[undefined], 'Nothing has been heard from your system yet.', 'calm'],
  ] as const)('%#', (values, text, tone) => {
    expect(plainSentence(values)).toEqual({ text, tone })
  })
  it('at night says how it is, not that it should produce', () => {
    expect(plainSentence([site({ status: 'degraded', night: true })]).text).toBe(
      'It is night. Your system made less than expected when it last ran.',
    )
    expect(plainSentence([site({ status: 'silent', night: true })]).text).toContain('We cannot reach')
  })
  it('by day says what it is measured against where that is good', () => {
    expect(plainSentence([site({ verdict: { kind: 'as-expected', source: 'peers' } })]).text).toBe(
      'Your system is producing as much as it should.',
    )
  })
})
