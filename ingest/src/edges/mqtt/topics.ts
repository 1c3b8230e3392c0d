/** MQTT topic names and filters (MQTT 3.1.1 section 4.7). */

/** True where the filter (with `+` and `#`) selects the topic name. A filter that begins with a wildcard never selects `$` topics. */
export function matchesTopic(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && !filter.startsWith('$')) return false
  const wanted = filter.split('/')
  const levels = topic.split('/')
  for (let index = 0; index < wanted.length; index++) {
    const level = wanted[index]
    // `a/#` also selects `a`.
    if (level === '#') return true
    if (index >= levels.length) return false
    if (level !== '+' && level !== levels[index]) return false
  }
  return wanted.length === levels.length
}

/** True where every topic that `filter` selects is also selected by `pattern`, so that granting it grants nothing more. */
export function coversFilter(pattern: string, filter: string): boolean {
  const allowed = pattern.split('/')
  const asked = filter.split('/')
  for (let index = 0; index < allowed.length; index++) {
    const level = allowed[index]
    if (level === '#') return true
    const other = asked[index]
    // `N/#` beside an allowed `N`: nothing below `N` is ever sent, and clients like to ask that way.
    if (other === undefined || other === '#') return false
    if (level !== '+' && level !== other) return false
  }
  return asked.length === allowed.length || (asked.length === allowed.length + 1 && asked.at(-1) === '#')
}

export type TopicFault = 'topic' | 'reserved-topic'
/** What is wrong with a topic name that a device publishes to; undefined for a good one. */
export function topicFault(topic: string, limits: { topicBytes: number; topicLevels: number }): TopicFault | undefined {
  if (topic.length === 0 || Buffer.byteLength(topic) > limits.topicBytes) return 'topic'
  if (topic.startsWith('$')) return 'reserved-topic'
  let levels = 1
  for (let index = 0; index < topic.length; index++) {
    const code = topic.charCodeAt(index)
    if (code === 0x2f) levels++
    // Wildcards, control characters, and the mark that stands where the bytes were no UTF-8.
    else if (code === 0x2b || code === 0x23 || code < 0x20 || code === 0x7f || code === 0xfffd) return 'topic'
  }
  return levels > limits.topicLevels ? 'topic' : undefined
}
