import type { LiveValue } from '@heliograph/crm-core/contracts'
import { KIND_OF_LIST, kindOf, type Viewer } from './viewer.ts'

interface Indexed {
  readonly topic: string
  readonly viewer: Viewer
}
const LIST_OF_KIND = new Map([...KIND_OF_LIST].map(([topic, kind]) => [kind, topic]))

/** Finds the few channels that a value can concern without asking every one: by tenant and topic. */
export class ChannelIndex<C extends Indexed> {
  readonly #byTenant = new Map<string, Map<string, Set<C>>>()

  add(channel: C): void {
    const { tenantId } = channel.viewer
    let topics = this.#byTenant.get(tenantId)
    if (topics === undefined) this.#byTenant.set(tenantId, (topics = new Map()))
    const channels = topics.get(channel.topic)
    if (channels === undefined) topics.set(channel.topic, new Set([channel]))
    else channels.add(channel)
  }

  remove(channel: C): void {
    const topics = this.#byTenant.get(channel.viewer.tenantId)
    const channels = topics?.get(channel.topic)
    if (topics === undefined || channels === undefined) return
    channels.delete(channel)
    if (channels.size === 0) topics.delete(channel.topic)
    if (topics.size === 0) this.#byTenant.delete(channel.viewer.tenantId)
  }

  /** Channels whose topic shows the value; rights and filters are theirs to judge. */
  *candidates(value: LiveValue): Iterable<C> {
    const topics = this.#byTenant.get(value.tenantId)
    if (topics === undefined) return
    const kind = kindOf(value.key)
    const list = LIST_OF_KIND.get(kind)
    if (list !== undefined) yield* topics.get(list) ?? []
    // Its own topic (`site:ID`, `device:ID`), then that of the site it belongs to.
    yield* topics.get(value.key) ?? []
    if (kind !== 'site' && value.siteId !== undefined) yield* topics.get(`site:${value.siteId}`) ?? []
  }
}
