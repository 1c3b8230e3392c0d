import { describe, expect, it } from 'vitest'
import { browserName } from '../session/browser-name.ts'
import { plainSentence } from '../portal/sentence.ts'
import { dueOf } from '../tickets/due.ts'
import { partsBehind, readHealth } from '../state/health-report.ts'
import { asHex, asText, looksLikeText, MOST_SHOWN } from './bytes-view.ts'
import { addressLines } from './guide.ts'
import { sampleText } from './sample.ts'

describe('bytes of a stranger', () => {
  it('are shown as text, with what hides in them made visible', () => {
    const bytes = new TextEncoder().encode('{"a":1}\u0000\u202e<script>')
    expect(asText(bytes)).toBe('{"a":1}␀\\u202e<script>')
    expect(looksLikeText(bytes)).toBe(true)
  })
  it('are shown as hex, sixteen a line', () => {
    const lines = asHex(Uint8Array.from({ length: 18 }, (_, index) => index + 60)).split('\n')
    expect(lines).toEqual([
      '000000  3c 3d 3e 3f 40 41 42 43  44 45 46 47 48 49 4a 4b  <=>?@ABCDEFGHIJK',
      '000010  4c 4d                                             LM',
    ])
    expect(looksLikeText(new Uint8Array(50))).toBe(false)
  })
  it('are cut, however many there are', () => {
    expect(asText(new Uint8Array(MOST_SHOWN + 5).fill(65))).toHaveLength(MOST_SHOWN)
    expect(asHex(new Uint8Array(MOST_SHOWN * 4)).split('\n')).toHaveLength(MOST_SHOWN / 16)
  })
})

it('a connection says where to point its devices', () => {
  const rest = { id: 'c1', username: 'u', scheme: null, headerName: null }
  expect(addressLines({ ...rest, transport: 'mqtt' }, 'https://sun.test:8443')).toEqual([
    { label: 'MQTT server', value: 'sun.test' },
    { label: 'User name', value: 'u' },
  ])
  expect(addressLines({ ...rest, transport: 'webhook', scheme: 'basic' }, 'https://sun.test')).toEqual([
    { label: 'Webhook address', value: 'https://sun.test/ingest/v1/webhooks/c1' },
    { label: 'User name', value: 'u' },
  ])
})
it('a sample says a few measured values', () => {
  expect(sampleText({ metrics: { ac_power_w: 312.4, nonsense: 3, energy_total_wh: 91_234 } }, 'en')).toBe(
    'AC power 312 W, Energy, lifetime 91.2 kWh',
  )
  expect(sampleText({ metrics: null }, 'en')).toBe('')
  expect(sampleText(undefined, 'en')).toBe('')
})
it('browsers are named as people know them', () => {
  expect(
    browserName('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36'),
  ).toBe('Chrome on Linux')
  expect(
    browserName(
      'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1',
    ),
  ).toBe('Safari on iOS')
  expect(browserName('Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0')).toBe(
    'Edge on Windows',
  )
  expect(browserName(null)).toBe('Unknown browser')
})
it('health: parts that are down or far behind are named, the ordinary course is not', () => {
  const report = readHealth({
    status: 'degraded',
    parts: [
      { name: 'log', state: 'ok', lag: 12 },
      { name: 'warehouse', state: 'down', lag: 0 },
      { name: 'decode', state: 'ok', lag: 90_000 },
      'x',
      { name: 5 },
    ],
  })
  expect(report?.parts).toHaveLength(3)
  expect(partsBehind(report!)).toBe('warehouse, decode')
  expect(readHealth('<html>')).toBeUndefined()
})

describe('the customer’s sentence', () => {
  it.each([
    ['nothing is set up', [], 'calm'],
    ['all is well', [{ status: 'producing' }], 'good'],
    ['night', [{ status: 'idle', night: true }], 'good'],
    ['out of contact is no outage', [{ status: 'silent' }], 'warn'],
    ['down', [{ status: 'producing' }, { status: 'down' }], 'bad'],
    ['never heard', [undefined], 'calm'],
  ] as const)('%s', (_name, values, tone) => {
    expect(plainSentence([...values]).tone).toBe(tone)
  })
  it('is one sentence or two, in plain words', () => {
    expect(plainSentence([{ status: 'silent' }]).text).toBe('We cannot reach your system; it may well be producing.')
    expect(plainSentence([{ status: 'down' }, { status: 'producing' }]).text).toBe(
      'One of your systems is not producing although there should be sun.',
    )
  })
})

it('what is due next of a ticket', () => {
  const sla = {
    firstResponseDueAt: '2026-03-03T10:00:00.000Z',
    nextUpdateDueAt: null,
    solutionDueAt: '2026-03-03T09:00:00.000Z',
    pausedSince: null,
    breached: false,
  }
  expect(dueOf({ status: 'open', sla })).toMatchObject({ what: 'solution', paused: false })
  expect(dueOf({ status: 'closed', sla })).toBeUndefined()
})
