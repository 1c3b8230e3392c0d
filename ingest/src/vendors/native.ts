import type { DecodedReading } from '@heliograph/crm-core/contracts'
import { type Decoded, DecodeError, defineVendor, type Rejection, type VendorMessage } from '../vendor.ts'
import { isRecord, parseJson, textOf, tryJson } from '../vocabulary/index.ts'
import { readItem } from './native/item.ts'

/** More items than this in one message are refused: a sender splits long histories. */
const MAX_ITEMS = 20_000
/** Rejections told one by one; the rest is summed up, so that a megabyte of junk does not become a million dead letters. */
const MAX_REJECTIONS = 100

/**
 * Our own format: one reading, a list, or one a line (NDJSON). The hot path of the line, so items are checked by hand.
 * An item is taken whole or rejected whole; a bad item never costs a good one.
 */
export const native = defineVendor({
  id: 'native',
  name: 'Heliograph JSON',
  transports: ['mqtt', 'webhook', 'http'],
  topics: ['readings'],
  publishTopics: ['readings'],
  ignoresTopic: true,
  guide: [
    'Publish to the topic "readings" with the connection\'s user name and secret, or POST to /ingest/v1/readings with an API key.',
    'Body: {"device": "serial", "ts": 1760000000000, "metrics": {"ac_power_w": 5321, "energy_total_wh": 123456789}}; a list of such, or one a line.',
    'ts is UTC in milliseconds or RFC 3339; without it the time of arrival counts. Leave out what was not measured; never send 0 for it.',
  ],
  paste: [
    {
      label: 'Send a first reading',
      transport: 'mqtt',
      text: `mosquitto_pub -h %host% -p %port% -u %user% -P %secret% -q 1 -t readings -m '{"device":"%device%","metrics":{"ac_power_w":5321,"energy_total_wh":123456789},"status":"producing"}'`,
    },
    {
      label: 'Send a first reading',
      transport: 'webhook',
      scheme: 'basic',
      text: `curl -u %user%:%secret% -H 'content-type: application/json' -d '{"device":"%device%","metrics":{"ac_power_w":5321,"energy_total_wh":123456789},"status":"producing"}' %address%`,
    },
    {
      label: 'Send a first reading',
      transport: 'webhook',
      scheme: 'shared-header',
      text: `curl -H '%header%: %secret%' -H 'content-type: application/json' -d '{"device":"%device%","metrics":{"ac_power_w":5321,"energy_total_wh":123456789},"status":"producing"}' %address%`,
    },
  ],
  decode: (message) => {
    const text = textOf(message.body)
    // A line break inside means NDJSON or pretty-printed JSON; only then a failed parse may be tried line by line.
    const body = text.includes('\n') ? tryJson(text) : parseJson(text)
    if (body === undefined) return decodeLines(text, message)
    if (Array.isArray(body)) return decodeList(body, message)
    if (!isRecord(body)) throw new DecodeError('unknown-format', 'neither a reading, nor a list of readings')
    const read = readItem(body, message.receivedAt)
    if ('reason' in read) throw new DecodeError(read.reason, read.detail)
    return { readings: [read] }
  },
})

function decodeList(items: unknown[], message: VendorMessage): Decoded {
  if (items.length > MAX_ITEMS)
    throw new DecodeError('too-large', `${items.length} items in one message, at most ${MAX_ITEMS}`)
  const readings: DecodedReading[] = []
  const rejections = collectRejections()
  items.forEach((item, index) => take(item, `item ${index}`, message.receivedAt, readings, rejections))
  return finish(readings, rejections)
}

function decodeLines(text: string, message: VendorMessage): Decoded {
  const lines = text.split('\n', MAX_ITEMS + 1)
  if (lines.length > MAX_ITEMS) throw new DecodeError('too-large', `more than ${MAX_ITEMS} lines in one message`)
  const readings: DecodedReading[] = []
  const rejections = collectRejections()
  let parsed = 0
  lines.forEach((line, index) => {
    if (line.trim() === '') return
    const item = tryJson(line)
    if (item === undefined) return rejections.add({ reason: 'not-json', detail: `line ${index + 1} is not JSON` })
    if (isRecord(item)) parsed++
    take(item, `line ${index + 1}`, message.receivedAt, readings, rejections)
  })
  // Broken pretty-printed JSON fails on every line; that is one bad message, not a hundred bad items.
  if (parsed === 0) throw new DecodeError('not-json', 'body is neither JSON nor one JSON object a line')
  return finish(readings, rejections)
}

type Rejections = ReturnType<typeof collectRejections>

function take(
  item: unknown,
  where: string,
  receivedAt: number,
  readings: DecodedReading[],
  rejections: Rejections,
): void {
  const read: DecodedReading | Rejection = isRecord(item)
    ? readItem(item, receivedAt)
    : { reason: 'invalid-field', detail: 'not a reading' }
  if ('reason' in read) rejections.add({ reason: read.reason, detail: `${where}: ${read.detail}` })
  else readings.push(read)
}

function finish(readings: DecodedReading[], rejections: Rejections): Decoded {
  const rejected = rejections.all()
  return rejected.length > 0 ? { readings, rejected } : { readings }
}

function collectRejections() {
  const kept: Rejection[] = []
  let more = 0
  return {
    add(rejection: Rejection): void {
      if (kept.length < MAX_REJECTIONS) kept.push(rejection)
      else more++
    },
    all(): Rejection[] {
      if (more > 0) kept.push({ reason: 'invalid-field', detail: `and ${more} more bad items` })
      return kept
    },
  }
}
