/** Files of tickets: words that server and pages share. */

/** Kinds that a ticket takes; told by their first bytes. */
export const ATTACHMENT_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/heic', 'application/pdf'] as const
/** Bytes of one file: a photo of a phone, with room. */
export const MAX_ATTACHMENT_BYTES = 12 * 1024 * 1024

/** A file of a ticket, as `data.attachment` of the timeline's entry that brought it. */
export interface TicketAttachment {
  id: string
  name: string
  type: (typeof ATTACHMENT_TYPES)[number]
  /** Bytes. */
  size: number
}
