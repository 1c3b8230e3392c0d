/** Deepest topic a decoder looks at. */
const MAX_TOPIC_LEVELS = 32

/**
 * Levels of an MQTT topic, or of the path of a forwarded HTTP answer (query cut off, leading slash dropped). No topic: no levels.
 */
export function levelsOf(topic: string | undefined): string[] {
  if (topic === undefined) return []
  const end = topic.indexOf('?')
  const path = end < 0 ? topic : topic.slice(0, end)
  return path.replace(/^\/+/, '').split('/', MAX_TOPIC_LEVELS)
}
