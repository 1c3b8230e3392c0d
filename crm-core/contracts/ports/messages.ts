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
export type SendResult =
  | { outcome: 'sent'; providerId?: string }
  /** Try again later. */
  | { outcome: 'retry'; reason: string }
  /** Trying again cannot help (address refused). */
  | { outcome: 'failed'; reason: string }

export interface MailSender {
  send(mail: OutgoingMail): Promise<SendResult>
}
export interface SmsSender {
  send(sms: OutgoingSms): Promise<SendResult>
}
