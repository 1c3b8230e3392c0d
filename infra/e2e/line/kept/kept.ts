/** What lies in a kept archive beside the data directory: how to speak to it, and what it answered when it was made. */
import type { ConnectionMade } from '../api.ts'

export interface Kept {
  madeAt: string
  siteId: string
  deviceId: string
  connection: ConnectionMade
  /** Times of readings that were acknowledged and not yet decoded; 7 W each. */
  pending: number[]
  /** Paths under `/api/v1` and what they answered, without what moves by itself. */
  answers: { path: string; answer: unknown }[]
}

/** What follows the clock and the people rather than the data. A ticket's state is told by its timeline. */
const MOVING = new Set([
  'status',
  'lastSeenAt',
  'lastLoginAt',
  'lastUsedAt',
  'updatedAt',
  'version',
  'ageMs',
  'stale',
  'openAlarms',
  // Of a ticket's deadlines: passed by the clock alone.
  'breached',
  'live',
  // Of an unclaimed device: counted at least once, again by a replay.
  'messages',
  // Of a row: how often its message was decoded again.
  'revision',
])

/** An answer without what moves by itself. */
export function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable)
  // Sums of floats in another order differ in their last digits.
  if (typeof value === 'number') return Number(value.toPrecision(12))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !MOVING.has(key))
      .map(([key, inner]) => [key, stable(inner)]),
  )
}

/** What an archive is made in, and less than any deadline in it. */
const MAKING_MS = 3_600_000
/** A list without what came after an archive was made: deadlines pass, and what follows from that is not of then. */
export function ofThen(value: unknown, { madeAt }: Kept): unknown {
  const { items, ...rest } = value as { items?: { createdAt?: string; at?: string }[] }
  if (items === undefined) return value
  const end = new Date(Date.parse(madeAt) + MAKING_MS).toISOString()
  return { ...rest, items: items.filter(({ createdAt, at }) => (createdAt ?? at ?? madeAt) < end) }
}
