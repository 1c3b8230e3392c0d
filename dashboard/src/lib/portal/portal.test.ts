import type { Alarm, LiveSite } from '@heliograph/crm-core/contracts'
import { describe, expect, it } from 'vitest'
import { selfUse } from './self-use.ts'
import { systemsNow } from './now.ts'
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
  it('is called seen only where somebody has seen it', () => {
    const seenAt = '2026-06-21T10:20:00.000Z'
    const found = troublesOf([
      alarm({ id: 'a' }),
      alarm({ id: 'b', acknowledgedAt: '2026-06-21T10:40:00.000Z' }),
      alarm({ id: 'c', acknowledgedAt: seenAt }),
      alarm({ id: 'd', siteId: 's2' }),
    ])
    expect(Object.fromEntries(found.map((one) => [one.siteId, one.acknowledgedAt]))).toEqual({
      s1: Date.parse(seenAt),
      s2: undefined,
    })
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

describe('what all systems do now', () => {
  const site = (over: Partial<LiveSite>): LiveSite => ({ status: 'producing', ...over })
  it('leaves out the last power of a system that is out of contact, and keeps what it made today', () => {
    expect(
      systemsNow([
        site({ acPowerW: 2000, energyTodayWh: 5000, lastSeenAt: 900 }),
        site({ status: 'silent', acPowerW: 3000, energyTodayWh: 4000, lastSeenAt: 100 }),
        undefined,
      ]),
    ).toEqual({ powerW: 2000, powerSeenAt: 900, energyTodayWh: 9000, seenAt: 900 })
  })
  it('does not lend the time of a meter to a power of another system', () => {
    expect(
      systemsNow([site({ acPowerW: 2000, lastSeenAt: 500 }), site({ status: 'unknown', lastSeenAt: 900 })]),
    ).toMatchObject({ powerW: 2000, powerSeenAt: 500 })
  })
  it('tells the last power with its own age where nobody is in contact', () => {
    expect(systemsNow([site({ status: 'silent', acPowerW: 3000, lastSeenAt: 100 })])).toMatchObject({
      powerW: 3000,
      powerSeenAt: 100,
    })
  })
  it('is nothing where nothing is known', () => {
    expect(systemsNow([undefined])).toEqual({
      powerW: undefined,
      powerSeenAt: undefined,
      energyTodayWh: undefined,
      seenAt: undefined,
    })
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
