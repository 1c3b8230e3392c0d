/**
 * Live state and bus: the newest value per key, and who wants to hear of changes. Latest wins per key: a value with an
 * older `ts` never replaces a newer one. `epoch` changes when the state was lost, which makes old cursors void.
 */
export interface LiveValue {
  /** `device:ID`, `site:ID`, `alarm:ID`, `ticket:ID`. */
  key: string
  /** UTC milliseconds of the value. */
  ts: number
  tenantId: string
  siteId?: string
  customerId?: string
  value: unknown
  /** Of the step that published it, where its message is traced. Never sent to a socket. */
  traceparent?: string
}
export interface LiveBus {
  start(): Promise<void>
  stop(): Promise<void>
  /** Takes values in; those older than what is known are dropped. Never waits for a subscriber. */
  publish(values: LiveValue[]): void
  get(key: string): LiveValue | undefined
  /** All values whose key begins with the prefix, of one tenant. */
  list(tenantId: string, prefix: string): LiveValue[]
  /** Every change after now, in batches; the returned function ends it. */
  subscribe(listener: (values: LiveValue[]) => void): () => void
  /** Changes after a cursor, or undefined where only a fresh snapshot will do. */
  since(cursor: string, tenantId: string): LiveValue[] | undefined
  cursor(): string
  /** Of an engine that may be lost: whether it is there. What this process hears itself is served without it. */
  health?(): { ok: boolean; detail?: string }
}
