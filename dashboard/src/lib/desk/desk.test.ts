import { describe, expect, it } from 'vitest'
import { browserName } from '../session/browser-name.ts'
import { plainSentence } from '../portal/sentence.ts'
import { dueOf } from '../tickets/due.ts'
import { demoOf, partsBehind, readHealth } from '../state/health-report.ts'
import { asHex, asText, looksLikeText, MOST_SHOWN } from './bytes-view.ts'
import { addressLines, commandLines } from './guide.ts'
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

describe('a connection', () => {
  const rest = { id: 'c1', vendor: 'native', username: 'u', scheme: null, headerName: null }
  const ports = { port: 1883, tlsPort: null }
  it('says where to point its devices', () => {
    expect(addressLines({ ...rest, transport: 'mqtt' }, 'https://sun.test:8443', ports)).toEqual([
      { label: 'MQTT server', value: 'sun.test' },
      { label: 'Port', value: '1883' },
      { label: 'User name', value: 'u' },
    ])
    expect(
      addressLines({ ...rest, transport: 'mqtt' }, 'https://sun.test', { port: 1883, tlsPort: 8883 }),
    ).toContainEqual({
      label: 'Port with TLS',
      value: '8883',
    })
    expect(addressLines({ ...rest, transport: 'webhook', scheme: 'basic' }, 'https://sun.test', ports)).toEqual([
      { label: 'Webhook address', value: 'https://sun.test/ingest/v1/webhooks/c1' },
      { label: 'User name', value: 'u' },
    ])
  })
  it('gives what to run as it is, with the secret while that is known', () => {
    const pastes = [
      { label: 'Send', transport: 'mqtt', text: 'pub -h %host% -p %port% -u %user% -P %secret% %device% 5%' },
      { label: 'Conf', transport: 'mqtt', text: 'address %host%:%port%\nuser %user%' },
      { label: 'Post', transport: 'webhook', scheme: 'basic', text: 'curl -u %user%:%secret% %address%' },
      { label: 'Header', transport: 'webhook', scheme: 'shared-header', text: '%header%: %secret% %server% %path%' },
    ]
    const lines = (
      more: { transport: 'mqtt' | 'webhook'; scheme?: 'basic' | 'shared-header' | 'twilio' },
      secret?: string,
    ) => commandLines(pastes, { ...rest, ...more }, 'https://sun.test:8443', ports, secret, 'D1')
    expect(lines({ transport: 'mqtt' }, 's3cret')).toEqual([
      { label: 'Send', value: 'pub -h sun.test -p 1883 -u u -P s3cret D1 5%' },
      { label: 'Conf', value: 'address sun.test:1883\nuser u', block: true },
    ])
    expect(lines({ transport: 'mqtt' })[0]?.value).toContain('-P SECRET ')
    expect(lines({ transport: 'webhook', scheme: 'basic' }, 's')).toEqual([
      { label: 'Post', value: 'curl -u u:s https://sun.test:8443/ingest/v1/webhooks/c1' },
    ])
    expect(lines({ transport: 'webhook', scheme: 'shared-header' }, 's')[0]?.value).toBe(
      'x-webhook-secret: s sun.test:8443 /ingest/v1/webhooks/c1',
    )
    // A signature cannot be written by hand, and a server without MQTT has no port to enter.
    expect(lines({ transport: 'webhook', scheme: 'twilio' }, 's')).toEqual([])
    expect(commandLines(pastes, { ...rest, transport: 'mqtt' }, 'https://sun.test', null)).toEqual([])
  })
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
it('health: a demo whose past comes in is told apart from a line that is behind', () => {
  const report = readHealth({
    status: 'ready',
    parts: [
      { name: 'store', state: 'ok', lag: 0 },
      { name: 'rollups', state: 'ok', lag: 66_000 },
      { name: 'demo history', state: 'ok', lag: 400_000, progress: 0.425 },
    ],
  })!
  expect(demoOf(report)).toEqual({ progress: 0.425 })
  expect(partsBehind(report)).toBe('')
  const noDemo = { ...report, parts: report.parts.filter(({ name }) => name !== 'demo history') }
  expect(demoOf(noDemo)).toBeUndefined()
  expect(partsBehind(noDemo)).toBe('rollups')
  // What is not a number is no progress.
  const odd = readHealth({ status: 'ready', parts: [{ name: 'demo history', state: 'ok', progress: '9' }] })
  expect(odd!.parts).toEqual([])
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
    firstRespondedAt: null,
    nextUpdateDueAt: null,
    solutionDueAt: '2026-03-03T09:00:00.000Z',
    pausedSince: null,
    breached: false,
  }
  expect(dueOf({ status: 'open', sla })).toMatchObject({ what: 'solution', paused: false })
  const answered = {
    ...sla,
    firstResponseDueAt: '2026-03-03T08:00:00.000Z',
    firstRespondedAt: '2026-03-03T07:00:00.000Z',
  }
  expect(dueOf({ status: 'open', sla: answered })).toMatchObject({ what: 'solution' })
  expect(dueOf({ status: 'closed', sla })).toBeUndefined()
})
