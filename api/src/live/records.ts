import { alarmResource, siteResource, ticketResource } from '@heliograph/crm-core'
import type { CrmDatabase, DomainEvent, LiveBus, LiveValue, Row, TicketStatus } from '@heliograph/crm-core/contracts'
import { liveSite, siteStatusOf } from '../http/live-state.ts'

/** A burst (a street that loses its grid) is read by the hundred. */
const MAX_READ = 500
const OPEN: TicketStatus[] = ['new', 'open', 'pending', 'scheduled']

/**
 * Alarms, tickets and what is known of sites on the live bus. They live in the CRM's database: an event says that one changed, and
 * what it is now is read there, so that the socket shows what the API answers. Those that are over stay until the bus forgets them,
 * so that whoever has one on the page hears of it; a site that is gone is told as null.
 */
export class LiveRecords {
  readonly #db: CrmDatabase
  readonly #live: LiveBus
  readonly #onError: (error: unknown) => void
  readonly #changed = { alarm: new Set<string>(), ticket: new Set<string>(), site: new Set<string>() }
  #reading = false

  constructor(db: CrmDatabase, live: LiveBus, onError: (error: unknown) => void) {
    this.#db = db
    this.#live = live
    this.#onError = onError
  }

  /** Tells what is open already. In the background: nobody waits for it to sign in. */
  start(): void {
    const { system } = this.#db
    const alarms = system.all('alarm', { clearedAt: null }).then((rows) => this.#tellAlarms(rows))
    const tickets = system.all('ticket', { status: { in: OPEN } }).then((rows) => this.#tellTickets(rows))
    for (const told of [alarms, tickets]) told.catch(this.#onError)
  }

  onEvent(event: DomainEvent): void {
    if (event.type === 'site.upserted') this.#changed.site.add(event.site.id)
    else if (event.type === 'site.deleted') {
      // At once, while those who could see it still may.
      const { siteId, tenantId, at } = event
      const key = siteKey(siteId)
      this.#live.publish([{ key, ts: Math.max(at, this.#live.get(key)?.ts ?? 0), tenantId, siteId, value: null }])
      return
    } else if (event.type === 'record.changed' && (event.resource === 'alarm' || event.resource === 'ticket'))
      this.#changed[event.resource].add(event.id)
    else return
    void this.#read()
  }

  /** One read at a time: what changes meanwhile is read by the next. */
  async #read(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      while (Object.values(this.#changed).some(({ size }) => size > 0)) {
        const alarms = take(this.#changed.alarm)
        if (alarms.length > 0) this.#tellAlarms(await this.#db.system.find('alarm', { where: { id: { in: alarms } } }))
        const tickets = take(this.#changed.ticket)
        if (tickets.length > 0)
          await this.#tellTickets(await this.#db.system.find('ticket', { where: { id: { in: tickets } } }))
        const sites = take(this.#changed.site)
        if (sites.length > 0) await this.#tellSites(sites)
      }
    } catch (error) {
      this.#onError(error)
    } finally {
      this.#reading = false
    }
  }

  #tellAlarms(rows: readonly Row<'alarm'>[]): void {
    this.#live.publish(rows.map((row) => valueOf(`alarm:${row.id}`, row, alarmResource(row))))
  }

  async #tellSites(ids: string[]): Promise<void> {
    const { system } = this.#db
    const [rows, arrays] = await Promise.all([
      system.find('site', { where: { id: { in: ids } } }),
      system.all('siteArray', { siteId: { in: ids } }),
    ])
    this.#live.publish(
      rows.map((row) => {
        const status = siteStatusOf(liveSite(this.#live, row.tenantId, row.id))
        return valueOf(siteKey(row.id), { ...row, siteId: row.id }, siteResource(row, arrays, status))
      }),
    )
  }

  async #tellTickets(rows: readonly Row<'ticket'>[]): Promise<void> {
    for (let at = 0; at < rows.length; at += MAX_READ) {
      const some = rows.slice(at, at + MAX_READ)
      const alarms = await this.#db.system.all('alarm', { ticketId: { in: some.map(({ id }) => id) } })
      const ofTicket = Map.groupBy(alarms, ({ ticketId }) => ticketId)
      this.#live.publish(
        some.map((row) => {
          const ids = (ofTicket.get(row.id) ?? []).map(({ id }) => id)
          return { ...valueOf(`ticket:${row.id}`, row, ticketResource(row, ids)), ...customerOf(row) }
        }),
      )
    }
  }
}

/** Not `site:ID`, which is what is live of one. */
const siteKey = (id: string): string => `site-record:${id}`

type Told = Pick<Row<'ticket'>, 'tenantId' | 'siteId' | 'updatedAt'>
function valueOf(key: string, { tenantId, siteId, updatedAt }: Told, value: unknown): LiveValue {
  return { key, ts: updatedAt.getTime(), tenantId, ...(siteId !== null && { siteId }), value }
}
/** A ticket without a site is its customer's. */
const customerOf = ({ customerId }: Row<'ticket'>): { customerId?: string } =>
  customerId === null ? {} : { customerId }

function take(ids: Set<string>): string[] {
  const some = [...ids].slice(0, MAX_READ)
  for (const id of some) ids.delete(id)
  return some
}
