/** How far groups of readers are in the log. */
import type { Log, LogPosition, Topic } from '@heliograph/crm-core/contracts'

/** Records that a group has still to take. */
export async function lagOf(log: Log, topic: Topic, group: string): Promise<number> {
  const [saved, bounds] = await Promise.all([committed(log, topic, group), log.bounds(topic)])
  let lag = 0
  for (const { partition, first, next } of bounds) lag += next - Math.max(first, saved.get(partition) ?? first)
  return lag
}

/** Behind the last record of each partition, as it is now. */
export const endsOf = async (log: Log, topic: Topic): Promise<LogPosition[]> =>
  (await log.bounds(topic)).map(({ partition, next }) => ({ partition, offset: next }))

/** Whether a group has saved that everything before these offsets is done. */
export async function hasReached(
  log: Log,
  topic: Topic,
  group: string,
  ends: readonly LogPosition[],
): Promise<boolean> {
  const saved = await committed(log, topic, group)
  return ends.every(({ partition, offset }) => (saved.get(partition) ?? 0) >= offset)
}

async function committed(log: Log, topic: Topic, group: string): Promise<Map<number, number>> {
  return new Map((await log.committed(topic, group)).map(({ partition, offset }) => [partition, offset]))
}
