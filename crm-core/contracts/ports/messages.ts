/**
 * Mail and SMS. An adapter sends one message and says what became of it; queueing, retries and quiet hours are the
 * outbox's. `id` is the outbox row's and travels with the message, so that a provider can drop a second sending.
 */
export interface OutgoingMail {
  id: string
  to: string
  subject: string
  text: string
}
export interface OutgoingSms {
  id: string
  /** E.164. */
  to: string
  text: string
}
/**
 * What became of one. `reason` is the server's own words, for those whom the message is about: they often hold the recipient.
 * `code` is for the operator's log and says nothing of people.
 */
export type SendResult =
  | { outcome: 'sent'; providerId?: string }
  /** Try again later. */
  | { outcome: 'retry'; reason: string; code?: string }
  /** Trying again cannot help (address refused). */
  | { outcome: 'failed'; reason: string; code?: string }

/** What a provider tells of a message it had taken. */
export interface MessageReport {
  outcome: 'delivered' | 'failed' | 'underway'
  providerId?: string
  reason?: string
}
/** A call as it came, nothing parsed; header names in lower case. */
export interface ReportRequest {
  headers: Readonly<Record<string, string | string[] | undefined>>
  /** Public origin, path and query: what the caller signed. */
  url: string
  contentType: string | undefined
  body: Uint8Array
}

interface Sender {
  /** Tries the way once, sending nothing. @throws Error with one line for the operator where a setting is wrong */
  check?(): Promise<void>
  stop?(): Promise<void>
}
export interface MailSender extends Sender {
  send(mail: OutgoingMail): Promise<SendResult>
}
export interface SmsSender extends Sender {
  send(sms: OutgoingSms): Promise<SendResult>
  /** What a provider's call says; undefined where its signature is not the provider's. */
  readReport?(request: ReportRequest): MessageReport | undefined
}
