/** A device's message on its way to the log, and its acknowledgement back. */
import type { AppendRecord } from '@heliograph/crm-core/contracts'
import type { Client } from 'aedes'
import type { Message } from './appender.ts'
import type { OpenDeliveries } from './no-sessions.ts'
import type { Session } from './session.ts'

export type Done = (error?: Error | null) => void

/** A class for the sake of the hot path: one object per message, its methods shared. */
export class PublishedMessage implements Message {
  readonly record: AppendRecord
  readonly #session: Session
  readonly #client: Client
  readonly #qos: number
  readonly #messageId: number
  readonly #isWill: boolean
  readonly #open: OpenDeliveries
  readonly #done: Done

  constructor(
    record: AppendRecord,
    session: Session,
    client: Client,
    packet: { qos: number; messageId?: number; isWill: boolean },
    open: OpenDeliveries,
    done: Done,
  ) {
    this.record = record
    this.#session = session
    this.#client = client
    this.#qos = packet.qos
    this.#messageId = packet.messageId ?? 0
    this.#isWill = packet.isWill
    this.#open = open
    this.#done = done
    session.inFlight++
  }

  /** A sender that waits for an acknowledgement and is gone sends again; the others cannot. */
  wanted(): boolean {
    return this.#qos === 0 || this.#isWill || this.#session.state !== 'closed'
  }

  settled(error?: Error): void {
    const session = this.#session
    session.inFlight--
    if (error) {
      this.#done(error)
      return
    }
    const gone = session.state === 'closed'
    const tally = session.tally
    if (tally) {
      tally.received++
      if (this.#qos > 0 && !gone && !this.#isWill) tally.acknowledged++
    }
    // On disk: from here on the same id is a repetition until the sender releases it.
    if (this.#qos === 2 && !this.#isWill) this.#open.add(this.#client, this.#messageId)
    if (!gone || this.#isWill) this.#done(null)
  }
}
