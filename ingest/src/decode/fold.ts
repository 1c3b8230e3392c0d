/**
 * The deterministic fold from raw messages to readings: the same messages in the same order give the same readings,
 * whenever they are decoded. Live decoding and replay run the same fold; they differ in where it begins and what they keep.
 */
import { type Registry, type ResolvedDevice, siteAt } from '@heliograph/crm-core'
import {
  CLOCK_FUTURE_LIMIT_MS,
  CLOCK_PAST_LIMIT_MS,
  type ConnectionId,
  type DeadLetterReason,
  type DecodedReading,
  type DeviceId,
  createRawReader,
  type LogRecord,
  type QualityFlag,
  type RawMessage,
  type RawRef,
  type ReadingRecord,
  type TraceStep,
  type Tracing,
} from '@heliograph/crm-core/contracts'
import { type AnyVendor, DecodeError } from '../vendor.ts'
import type { DecodeBatch } from './outputs.ts'

/** Shards whose state is kept; the one unused for longest goes first. A decoder starts afresh when its shard comes back. */
const MAX_SHARDS = 50_000
const MAX_DETAIL_LENGTH = 300
/** Each letter keeps the message's bytes. Of a large message with many bad parts not all are told one by one, so that a megabyte of junk does not become a hundred. */
const MAX_LETTER_BYTES = 2 * 1024 * 1024

/** A device's firmware is told on at most this often: one that is told of by two senders in two ways costs no write a message. */
const FACTS_EVERY_MS = 3_600_000
/** Devices whose last telling is remembered; forgetting one costs a record that changes nothing. */
const MAX_TOLD = 50_000
const MAX_FIRMWARE_LENGTH = 200

export interface FoldOptions {
  vendors: ReadonlyMap<string, AnyVendor>
  registry: Registry
  partition: number
  revision: number
  count?: DecodeCounter
  /** Told of every message's connection and arrival, UTC milliseconds. */
  heard?(connectionId: ConnectionId, receivedAt: number): void
  /** Absent: traces end here. */
  tracing?: Tracing
}
export type DecodeResult = 'decoded' | 'empty' | 'unclaimed' | 'dead-letter'
/**
 * Each raw message ends in exactly one result; each reading is `produced` or `unclaimed`. Of those produced, `superseded` ones were
 * replaced by a later reading of the same device and instant before they were appended.
 */
export interface DecodeCounter {
  message(vendor: string, result: DecodeResult): void
  readings(vendor: string, result: 'produced' | 'unclaimed' | 'superseded', count: number): void
}

export class Fold {
  readonly #options: FoldOptions
  readonly #readRaw = createRawReader()
  /** State per shard, in the order of last use. */
  readonly #states = new Map<string, { vendor: string; state: unknown }>()
  /** When a device's facts were told on last, by arrival. */
  readonly #toldAt = new Map<DeviceId, number>()

  constructor(options: FoldOptions) {
    this.#options = options
  }

  /** Folds one record. Never throws for what a message holds: what is not understood becomes a dead letter. */
  fold(record: LogRecord, batch: DecodeBatch): void {
    let message: RawMessage
    try {
      message = this.#readRaw(record.value)
    } catch {
      // Our own framing is broken, so not even the tenant is known; the log has reported the damage.
      this.#options.count?.message('unknown', 'dead-letter')
      return
    }
    this.#options.heard?.(message.connectionId, message.receivedAt)
    const rawRef: RawRef = {
      connectionId: message.connectionId,
      partition: this.#options.partition,
      offset: record.offset,
      revision: this.#options.revision,
    }
    const vendor = this.#options.vendors.get(message.vendor)
    if (!vendor) {
      this.#deadLetter(batch, message, rawRef, 0, 'unknown-format', `no decoder for vendor "${message.vendor}"`)
      this.#options.count?.message('unknown', 'dead-letter')
      return
    }
    const step =
      message.traceparent !== undefined
        ? this.#options.tracing?.follow(message.traceparent, 'decode', { vendor: vendor.id })
        : undefined
    const timezone = message.timezone ?? this.#options.registry.connection(message.connectionId)?.timezone
    let decoded
    try {
      decoded = vendor.decode(
        timezone === message.timezone ? message : { ...message, timezone },
        this.#state(record.key, vendor),
      )
    } catch (error) {
      const reason = error instanceof DecodeError ? error.reason : 'decoder-error'
      this.#deadLetter(batch, message, rawRef, 0, reason, error instanceof Error ? error.message : String(error))
      this.#options.count?.message(vendor.id, 'dead-letter')
      step?.end(error)
      return
    }
    let stored = 0
    let unclaimed = 0
    const supersededBefore = batch.superseded
    // What a broker retained may be of any day: without a time of its own it would pass for a value of now.
    const isOld = message.retain === true && message.transport === 'broker'
    for (const reading of decoded.readings) {
      if (isOld && reading.tsSource === 'arrival') continue
      if (this.#place(reading, message, rawRef, batch, step)) stored++
      else unclaimed++
    }
    step?.end()
    const rejected = decoded.rejected ?? []
    const letters = Math.max(1, Math.floor(MAX_LETTER_BYTES / Math.max(1, message.body.length)))
    for (const [index, { reason, detail }] of rejected.slice(0, letters).entries()) {
      const untold = index === letters - 1 ? rejected.length - letters : 0
      this.#deadLetter(batch, message, rawRef, index, reason, untold > 0 ? `${detail} (and ${untold} more)` : detail)
    }
    for (const { topic, body } of decoded.downlinks ?? [])
      batch.downlinks.push({
        connectionId: message.connectionId,
        vendor: vendor.id,
        topic,
        body: (typeof body === 'string' ? Buffer.from(body) : Buffer.from(body)).toString('base64'),
        at: message.receivedAt,
      })
    const { count } = this.#options
    if (!count) return
    count.message(
      vendor.id,
      stored > 0 ? 'decoded' : unclaimed > 0 ? 'unclaimed' : rejected.length > 0 ? 'dead-letter' : 'empty',
    )
    if (stored > 0) count.readings(vendor.id, 'produced', stored)
    if (unclaimed > 0) count.readings(vendor.id, 'unclaimed', unclaimed)
    const superseded = batch.superseded - supersededBefore
    if (superseded > 0) count.readings(vendor.id, 'superseded', superseded)
  }

  #state(shard: string, vendor: AnyVendor): unknown {
    if (!vendor.initialState) return undefined
    const known = this.#states.get(shard)
    if (known?.vendor === vendor.id) {
      this.#states.delete(shard)
      this.#states.set(shard, known)
      return known.state
    }
    const fresh = { vendor: vendor.id, state: vendor.initialState() as unknown }
    this.#states.set(shard, fresh)
    if (this.#states.size > MAX_SHARDS) this.#states.delete(this.#states.keys().next().value!)
    return fresh.state
  }

  /** @returns whether the device is known */
  #place(
    reading: DecodedReading,
    message: RawMessage,
    rawRef: RawRef,
    batch: DecodeBatch,
    step: TraceStep | undefined,
  ): boolean {
    const { receivedAt } = message
    const believed =
      message.backfill ||
      (reading.ts >= receivedAt - CLOCK_PAST_LIMIT_MS && reading.ts <= receivedAt + CLOCK_FUTURE_LIMIT_MS)
    const ts = believed ? reading.ts : receivedAt
    const resolved = this.#resolve(reading.device, message, ts)
    if (!resolved || resolved.device.tenantId !== message.tenantId) {
      const { tenantId, connectionId, vendor } = message
      batch.unclaimed.push({ tenantId, connectionId, vendor, receivedAt, reading, rawRef })
      return false
    }
    const quality: QualityFlag[] = [...reading.quality]
    if (!believed) quality.push('clock_suspect')
    if (message.backfill) quality.push('backfill')
    const { metrics, extra, status, faults, dc, ac } = reading
    // Written out, since this runs for every reading and taking fields out of a copy costs several times as much.
    const placed: ReadingRecord = {
      tenantId: message.tenantId,
      siteId: resolved.site.id,
      deviceId: resolved.device.id,
      ts,
      receivedAt,
      source: message.vendor,
      metrics,
      quality,
      rawRef,
    }
    if (extra) placed.extra = extra
    if (status) placed.status = status
    if (faults) placed.faults = faults
    if (dc) placed.dc = dc
    if (ac) placed.ac = ac
    if (step) placed.traceparent = step.traceparent
    batch.addReading(placed)
    if (reading.attributes?.firmware !== undefined) this.#tellFirmware(reading, resolved, message, rawRef, batch)
    return true
  }

  /** Tells the CRM what it does not know yet. History says nothing of today. */
  #tellFirmware(
    { device, ts, tsSource, attributes }: DecodedReading,
    { device: known }: ResolvedDevice,
    { tenantId, connectionId, vendor, receivedAt, backfill }: RawMessage,
    rawRef: RawRef,
    batch: DecodeBatch,
  ): void {
    const firmware = attributes!.firmware!.slice(0, MAX_FIRMWARE_LENGTH)
    if (firmware === '' || firmware === known.firmware) return
    if (rawRef.revision > 0 || backfill === true || known.replacedById !== undefined) return
    if (receivedAt - (this.#toldAt.get(known.id) ?? -Infinity) < FACTS_EVERY_MS) return
    if (this.#toldAt.size >= MAX_TOLD) this.#toldAt.clear()
    this.#toldAt.set(known.id, receivedAt)
    batch.told.push({
      tenantId,
      connectionId,
      vendor,
      receivedAt,
      reading: { device, ts, tsSource, metrics: {}, quality: [], attributes: { firmware } },
      rawRef,
      deviceId: known.id,
    })
  }

  #resolve(externalId: string, message: RawMessage, ts: number): ResolvedDevice | undefined {
    const { registry } = this.#options
    if (message.transport !== 'import') return registry.resolve(message.connectionId, externalId, ts)
    // An import names our own device; the API has checked that its caller may write there.
    const device = registry.device(externalId as DeviceId)
    const site = device && registry.site(siteAt(device, ts))
    return site && { device, site }
  }

  #deadLetter(
    batch: DecodeBatch,
    message: RawMessage,
    rawRef: RawRef,
    index: number,
    reason: DeadLetterReason,
    detail: string,
  ): void {
    const { tenantId, connectionId, vendor, transport, topic, receivedAt } = message
    batch.deadLetters.push({
      // The same message fails under the same id, however often it is decoded.
      id: `${rawRef.partition}-${rawRef.offset}-${index}`,
      tenantId,
      connectionId,
      vendor,
      transport,
      ...(topic !== undefined && { topic }),
      receivedAt,
      reason,
      detail: detail.slice(0, MAX_DETAIL_LENGTH),
      rawRef,
      body: Buffer.from(message.body).toString('base64'),
    })
  }

  /** The states as bytes, for a checkpoint. */
  checkpoint(): Uint8Array {
    return Buffer.from(JSON.stringify([...this.#states]))
  }
  restore(state: Uint8Array): void {
    this.#states.clear()
    for (const [shard, value] of JSON.parse(Buffer.from(state).toString()) as [
      string,
      { vendor: string; state: unknown },
    ][])
      this.#states.set(shard, value)
  }
}
