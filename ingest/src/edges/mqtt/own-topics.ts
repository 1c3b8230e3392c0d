import { matchesTopic } from './topics.ts'

interface Publisher {
  id: string
  publishTopics?: readonly string[]
}

/**
 * Whether a vendor's devices can have published to a topic: to its own topics where its file fixes them; elsewhere, where owners
 * choose the names, to everything but what another vendor's file claims as its own.
 */
export function createOwnTopics(vendors: Iterable<Publisher>): (vendor: string, topic: string) => boolean {
  const own = new Map<string, readonly string[]>()
  for (const { id, publishTopics } of vendors) if (publishTopics) own.set(id, publishTopics)
  const claimed = [...own.values()].flat()
  const isAmong = (patterns: readonly string[], topic: string) => patterns.some((each) => matchesTopic(each, topic))
  return (vendor, topic) => {
    const fixed = own.get(vendor)
    return fixed ? isAmong(fixed, topic) : !isAmong(claimed, topic)
  }
}
