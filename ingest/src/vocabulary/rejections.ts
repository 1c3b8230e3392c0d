import type { Rejection } from '../vendor.ts'

/** Each rejection becomes a dead letter with the whole body: a long list of bad items must not become thousands of those. */
const MAX_REJECTIONS = 20

/** The first rejections of a message, and one that counts the others. */
export function limited(rejected: Rejection[]): Rejection[] {
  if (rejected.length <= MAX_REJECTIONS) return rejected
  const first = rejected.slice(0, MAX_REJECTIONS - 1)
  return [
    ...first,
    { reason: 'invalid-field', detail: `and ${rejected.length - first.length} more values of this message` },
  ]
}
