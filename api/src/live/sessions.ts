import { createHash } from 'node:crypto'
import { narrowCaller } from '@heliograph/crm-core'
import type { Caller, CrmDatabase, DomainEvent, Permission } from '@heliograph/crm-core/contracts'
import type { LiveSocket } from './socket.ts'
import type { Viewer } from './viewer.ts'

const LIVE_PERMISSIONS = ['site:read', 'device:read', 'alarm:read', 'ticket:read'] as const satisfies Permission[]
/** Open sockets are judged again this often, whatever the events say: a right that is gone ends them within a second. */
const JUDGE_EVERY_MS = 900
/** Site sets of limited callers are read again after a change of the tenant's sites, and this often anyway. */
const SITES_TTL_MS = 60_000

/** Events after which somebody may see other sites than before. */
const TOUCHES_RIGHTS = new Set<DomainEvent['type']>([
  'rights.changed',
  'site.upserted',
  'site.deleted',
  'tenant.deleted',
])

interface Session {
  key: string
  /** Asks again who this is; undefined once the session or key is gone. */
  check(): Promise<Caller | undefined>
  caller: Caller
  viewer: Viewer
  viewerAt: number
  stale: boolean
  sockets: Set<LiveSocket>
}

/** The sign-ins behind open sockets, each judged once however many sockets it has. */
export class LiveSessions {
  readonly #sessions = new Map<string, Session>()
  readonly #db: CrmDatabase
  readonly #now: () => number
  #timer: NodeJS.Timeout | undefined
  #judging = false
  #again = false

  constructor(db: CrmDatabase, now: () => number) {
    this.#db = db
    this.#now = now
  }

  start(): void {
    this.#timer = setInterval(() => void this.judgeAll(), JUDGE_EVERY_MS)
  }
  stop(): void {
    clearInterval(this.#timer)
    this.#sessions.clear()
  }

  /** The session of a socket that is about to open, and what its caller may see. */
  async enter(key: string, caller: Caller, check: Session['check']): Promise<Session> {
    const known = this.#sessions.get(key)
    if (known !== undefined && !known.stale) return known
    const viewer = await viewerOf(this.#db, caller)
    const session = this.#sessions.get(key) ?? {
      key,
      check,
      caller,
      viewer,
      viewerAt: this.#now(),
      stale: false,
      sockets: new Set(),
    }
    this.#sessions.set(key, session)
    return session
  }
  add(session: Session, socket: LiveSocket): void {
    // It may have been forgotten between `enter` and the upgrade, with its last other socket.
    this.#sessions.set(session.key, session)
    session.sockets.add(socket)
  }
  remove(session: Session, socket: LiveSocket): void {
    session.sockets.delete(socket)
    if (session.sockets.size === 0) this.#sessions.delete(session.key)
  }

  async exists(session: Session, topic: string): Promise<boolean> {
    const [kind, id] = topic.split(':', 2) as ['site' | 'device', string]
    const caller = narrowCaller(session.caller, `${kind}:read`)
    return (await this.#db.as(caller).first(kind, { id })) !== undefined
  }

  /** Takes note of what may have changed rights; those concerned are judged at once. */
  onEvent(event: DomainEvent): void {
    if (!TOUCHES_RIGHTS.has(event.type)) return
    for (const session of this.#sessions.values()) {
      if (session.caller.tenantId === event.tenantId) session.stale = true
    }
    if (event.type === 'rights.changed') void this.judgeAll()
  }

  /** Judges every session again. Runs one at a time; a call meanwhile makes it run once more. */
  async judgeAll(): Promise<void> {
    if (this.#judging) {
      this.#again = true
      return
    }
    this.#judging = true
    try {
      do {
        this.#again = false
        for (const session of [...this.#sessions.values()]) await this.#judge(session)
      } while (this.#again)
    } finally {
      this.#judging = false
    }
  }

  async #judge(session: Session): Promise<void> {
    try {
      const caller = await session.check()
      if (caller === undefined) {
        for (const socket of [...session.sockets]) socket.sessionEnded()
        this.#sessions.delete(session.key)
        return
      }
      const old = this.#now() - session.viewerAt > SITES_TTL_MS
      if (!session.stale && !old && sameRights(caller, session.caller)) return
      session.stale = false
      session.caller = caller
      session.viewer = await viewerOf(this.#db, caller)
      session.viewerAt = this.#now()
      for (const socket of [...session.sockets]) socket.judge(session.viewer)
    } catch {
      // The database could not be asked: rights stay as they were and are asked again in a second.
      session.stale = true
    }
  }
}

/** What a caller may see, from its rights as they are now. */
export async function viewerOf(db: CrmDatabase, caller: Caller): Promise<Viewer> {
  const permissions = new Set<Permission>(LIVE_PERMISSIONS.filter((permission) => caller.permissions.has(permission)))
  const shared = { tenantId: caller.tenantId ?? '', permissions }
  const rights = [...permissions].sort().join()
  const narrowed = narrowCaller(caller, 'site:read')
  if (narrowed.siteScope === 'tenant') return { ...shared, key: `tenant ${rights}` }
  const sites = permissions.has('site:read') ? await db.as(narrowed).all('site') : []
  const siteIds = new Set(sites.map(({ id }) => id).sort())
  const customerIds = new Set([...narrowed.customerIds].sort())
  const digest = createHash('sha256')
    .update(JSON.stringify([[...siteIds], [...customerIds]]))
    .digest('base64url')
  return { ...shared, key: `${digest} ${rights}`, siteIds, customerIds }
}

function sameRights(a: Caller, b: Caller): boolean {
  if (a === b) return true
  return (
    a.siteScope === b.siteScope &&
    a.permissions.size === b.permissions.size &&
    [...a.permissions].every((permission) => b.permissions.has(permission)) &&
    a.orgUnitIds.join() === b.orgUnitIds.join() &&
    a.customerIds.join() === b.customerIds.join()
  )
}
export type LiveSession = Session
