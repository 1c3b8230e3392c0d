import type { Said, Speech, SpeechFactory } from './speech.ts'

/**
 * An edge node of Sparkplug B: births name the metrics, data carry alias numbers alone.
 * @see https://sparkplug.eclipse.org/specification/ chapter "Payloads"
 */
export const sparkplugB: SpeechFactory = (_site, devices): Speech => {
  const [group, node] = devices[0]!.externalId.split('/') as [string, string, string]
  const topic = (type: string, device?: string): string =>
    `spBv1.0/${group}/${type}/${node}${device === undefined ? '' : `/${device}`}`
  const bdSeq = metric({ name: 'bdSeq', type: UINT64, value: 1 })
  let seq = 0
  let isBorn = false
  const next = (): number => (seq = (seq + 1) % 256)
  const nameOf = (said: Said): string => said.device.externalId.split('/')[2]!

  return {
    transport: 'mqtt',
    will: { topic: topic('NDEATH'), body: payload(0, [bdSeq]) },
    asked: { topic: topic('NCMD'), hear: () => (isBorn = false) },
    say(said, ts) {
      if (isBorn)
        return said.map((each) => ({
          topic: topic('DDATA', nameOf(each)),
          body: payload(
            ts,
            valuesOf(each).map(({ type, value }, index) => metric({ alias: index + 1, type, value })),
            next(),
          ),
        }))
      isBorn = true
      seq = 0
      return [
        { topic: topic('NBIRTH'), body: payload(ts, [bdSeq], 0) },
        ...said.map((each) => ({
          topic: topic('DBIRTH', nameOf(each)),
          body: payload(
            ts,
            valuesOf(each).map((value, index) => metric({ ...value, alias: index + 1 })),
            next(),
          ),
        })),
      ]
    },
  }
}

interface Value {
  name?: string
  alias?: number
  type: number
  value: number
}
function valuesOf({ measured: { metrics, dc = [] } }: Said): Value[] {
  const double = (name: string, value: number): Value => ({ name, type: DOUBLE, value })
  return [
    double('AC/Power', metrics.ac_power_w!),
    double('DC/Power', metrics.dc_power_w!),
    double('Energy/Total', metrics.energy_total_wh!),
    double('Inverter/Temperature', metrics.inverter_temp_c!),
    ...dc.flatMap(({ voltage_v, current_a }, index) => [
      double(`DC/${index + 1}/Voltage`, voltage_v!),
      double(`DC/${index + 1}/Current`, current_a!),
    ]),
  ]
}

const UINT64 = 8
const DOUBLE = 10
/** Protobuf's kinds of fields: a number of seven bits a byte, eight bytes, bytes with their length. */
const VARINT = 0
const FIXED64 = 1
const BYTES = 2

function payload(ts: number, metrics: readonly Uint8Array[], seq?: number): Uint8Array {
  return Buffer.concat([
    ...(ts > 0 ? [number(1, ts)] : []),
    ...metrics.map((each) => bytes(2, each)),
    ...(seq === undefined ? [] : [number(3, seq)]),
  ])
}
function metric({ name, alias, type, value }: Value): Uint8Array {
  return Buffer.concat([
    ...(name === undefined ? [] : [bytes(1, Buffer.from(name))]),
    ...(alias === undefined ? [] : [number(2, alias)]),
    number(4, type),
    type === DOUBLE ? double(13, value) : number(11, value),
  ])
}
const key = (field: number, kind: number): Uint8Array => varint(field * 8 + kind)
const number = (field: number, value: number): Uint8Array => Buffer.concat([key(field, VARINT), varint(value)])
const bytes = (field: number, value: Uint8Array): Uint8Array =>
  Buffer.concat([key(field, BYTES), varint(value.length), value])
function double(field: number, value: number): Uint8Array {
  const eight = Buffer.alloc(8)
  eight.writeDoubleLE(value)
  return Buffer.concat([key(field, FIXED64), eight])
}
/** Whole numbers up to 2^53. */
function varint(value: number): Uint8Array {
  const found: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Uint8Array.from([...found, left])
    found.push((left % 128) + 128)
  }
}
