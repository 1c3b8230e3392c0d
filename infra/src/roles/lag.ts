import type { Log, Topic } from '@heliograph/crm-core/contracts'

/** Records that a group has still to take. */
export async function lagOf(log: Log, topic: Topic, group: string): Promise<number> {
  let lag = 0
  const saved = await log.committed(topic, group)
  for (const { partition, first, next } of await log.bounds(topic))
    lag += next - Math.max(first, saved.find((position) => position.partition === partition)?.offset ?? first)
  return lag
}
