import { z } from 'zod'

declare const brand: unique symbol
/** A string that may only be used where this kind of id is meant. */
export type Id<Kind extends string> = string & { readonly [brand]: Kind }

export type TenantId = Id<'tenant'>
export type OrgUnitId = Id<'orgUnit'>
export type UserId = Id<'user'>
export type CustomerId = Id<'customer'>
export type SiteId = Id<'site'>
export type DeviceId = Id<'device'>
export type ConnectionId = Id<'connection'>
export type AlarmId = Id<'alarm'>
export type TicketId = Id<'ticket'>
export type ReplayId = Id<'replay'>

/** Ids are opaque to callers: 1 to 64 characters that need no escaping in a URL, a topic, a key or a SQL literal. */
export const idPattern = /^[A-Za-z0-9_-]{1,64}$/
export const idSchema = z.string().regex(idPattern, 'is not an id')

/** Ids of one millisecond count up (RFC 9562, section 6.2, method 1), so that rows made together keep their order. */
let lastAt = -1
let counter = 0

/**
 * A new id: UUID version 7 (RFC 9562), so that ids sort by the time they were made and index pages stay warm.
 * @param now UTC milliseconds, passed in by tests
 */
export function newId<Kind extends string>(now: number = Date.now()): Id<Kind> {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  for (let index = 5, rest = now; index >= 0; index--) {
    bytes[index] = rest % 256
    rest = Math.floor(rest / 256)
  }
  // Begins in the lower half, which leaves room to count within the millisecond.
  counter = now === lastAt ? (counter + 1) % 4096 : ((bytes[6]! << 8) | bytes[7]!) % 2048
  lastAt = now
  bytes[6] = (counter >> 8) | 0x70
  bytes[7] = counter & 0xff
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as Id<Kind>
}
