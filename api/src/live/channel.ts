import type { LiveClientFrame, LiveValue } from '@heliograph/crm-core/contracts'
import { idOf, KIND_OF_LIST, kindOf, maySee, type Viewer } from './viewer.ts'

type Subscribe = Extract<LiveClientFrame, { type: 'subscribe' }>
export type ChannelSpec = Pick<Subscribe, 'topic' | 'filter' | 'keys'>

const frameText = new WeakMap<LiveValue, string>()
/** One entry of `data`. Made once per value, however many sockets get it. */
export function entryText(value: LiveValue): string {
  let text = frameText.get(value)
  if (text === undefined) {
    text = JSON.stringify({ key: value.key, ts: value.ts, value: value.value })
    frameText.set(value, text)
  }
  return text
}
export function entriesText(values: Iterable<LiveValue>): string {
  let text = ''
  for (const value of values) text += text === '' ? entryText(value) : `,${entryText(value)}`
  return `[${text}]`
}

/** Keeps the newest value per key; an older instant never replaces a newer one. */
export function keepNewest(pending: Map<string, LiveValue>, value: LiveValue): void {
  const known = pending.get(value.key)
  if (known === undefined || known.ts <= value.ts) pending.set(value.key, value)
}

/** Subscriptions that see exactly the same values: they share what is pending and the text that is sent. */
export class Channel<Subscriber> {
  readonly key: string
  readonly topic: string
  readonly viewer: Viewer
  readonly subscribers = new Set<Subscriber>()
  pending = new Map<string, LiveValue>()
  readonly #keys: ReadonlySet<string> | undefined
  readonly #siteId: string | undefined
  readonly #status: string | undefined
  /** Keys shown under the status filter: their leaving must be told too. */
  readonly #shown = new Set<string>()

  constructor(viewer: Viewer, spec: ChannelSpec) {
    this.key = channelKey(viewer, spec)
    this.topic = spec.topic
    this.viewer = viewer
    this.#keys = spec.keys === undefined ? undefined : new Set(spec.keys)
    this.#siteId = spec.filter?.siteId
    this.#status = spec.filter?.status
  }

  /** Whether a value belongs on this channel: its topic, its filter and its viewer's rights. */
  takes(value: LiveValue): boolean {
    if (!isOfTopic(this.topic, value) || !maySee(this.viewer, value)) return false
    if (this.#keys !== undefined && !this.#keys.has(idOf(value.key))) return false
    if (this.#siteId !== undefined && value.siteId !== this.#siteId) return false
    if (this.#status === undefined) return true
    const matches = (value.value as { status?: unknown } | null)?.status === this.#status
    if (matches) this.#shown.add(value.key)
    // Told once more when it stops matching, so that the client can take it off its list.
    return matches || this.#shown.delete(value.key)
  }
}

export function channelKey(viewer: Viewer, { topic, filter, keys }: ChannelSpec): string {
  return JSON.stringify([viewer.tenantId, viewer.key, topic, filter?.siteId, filter?.status, keys && [...keys].sort()])
}

/** Keys of the bus that a topic shows. */
export function isOfTopic(topic: string, value: LiveValue): boolean {
  const kind = kindOf(value.key)
  const listed = KIND_OF_LIST.get(topic)
  if (listed !== undefined) return kind === listed
  if (topic === value.key) return true
  // A site's page shows the site, its devices and its alarms.
  return topic.startsWith('site:') && (kind === 'device' || kind === 'alarm') && value.siteId === topic.slice(5)
}
