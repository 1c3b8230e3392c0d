/** Documents, photos and reports by key. Keys are `tenant/kind/id`; a writer never sees half a file of another. */
export interface FileStore {
  start(): Promise<void>
  stop(): Promise<void>
  /** Replaces what the key held, at once and durably. */
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>
  get(key: string): Promise<{ bytes: Uint8Array; contentType: string } | undefined>
  delete(key: string): Promise<void>
  list(prefix: string): AsyncIterable<string>
  /** Whether files can be had now. Absent: it cannot be away. */
  health?(): Promise<{ ok: boolean; detail?: string }>
  /**
   * An address under which whoever has it gets the file for a while, past this server. Only where an engine can and the operator wants.
   * @param options `disposition`: the header `content-disposition` of the answer
   */
  link?(key: string, options: { seconds: number; disposition: string }): Promise<string>
}
/** Keys are relative, of letters, digits, `.`, `_`, `-` and `/`, without `..`; anything else is refused before it reaches a disk. */
export const fileKeyPattern = /^(?!.*\.\.)[A-Za-z0-9_-][A-Za-z0-9._/-]{0,400}$/
