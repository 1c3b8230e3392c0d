/** All sockets of the edge: by aedes' client, by connection, and which of them wait to be read. */
import type { Client } from 'aedes'
import type { Revocation } from './ports.ts'
import { nudge, type Session } from './session.ts'

export interface Sessions {
  readonly size: number
  add(session: Session): void
  remove(session: Session): void
  /** `client` stands for `session` from now on; kept as long as aedes keeps the client, for its will. */
  bind(client: Client, session: Session): void
  of(client: Client): Session | undefined
  all(): Iterable<Session>
  clientOf(session: Session): Client | undefined
  /** The session's sign-in is right. */
  admit(session: Session, connectionId: string): void
  /** The session is open under this name from now on. */
  open(session: Session, clientId: string, at: number): void
  named(clientId: string): Session | undefined
  connection(connectionId: string): ReadonlySet<Session> | undefined
  /** Those whose credential is revoked. */
  revoked(revocation: Revocation): Session[]
  waits(session: Session): void
  /** Lets one session that waits try again. */
  wake(session: Session): void
  /** Lets those that wait and may be read try again. */
  nudge(mayRead: (session: Session) => boolean): void
  readonly waiting: number
}

export function createSessions(): Sessions {
  const open = new Map<Session, Client | undefined>()
  const byClient = new WeakMap<Client, Session>()
  const byConnection = new Map<string, Set<Session>>()
  const byClientId = new Map<string, Session>()
  const waiting = new Set<Session>()

  return {
    get size() {
      return open.size
    },
    get waiting() {
      return waiting.size
    },
    add(session) {
      open.set(session, undefined)
    },
    remove(session) {
      open.delete(session)
      waiting.delete(session)
      if (session.opened && byClientId.get(session.opened.clientId) === session)
        byClientId.delete(session.opened.clientId)
      const connectionId = session.identity?.connectionId
      if (connectionId === undefined) return
      const others = byConnection.get(connectionId)
      if (others?.delete(session) && others.size === 0) byConnection.delete(connectionId)
    },
    bind(client, session) {
      byClient.set(client, session)
      open.set(session, client)
    },
    of: (client) => byClient.get(client),
    all: () => open.keys(),
    clientOf: (session) => open.get(session),
    admit(session, connectionId) {
      let others = byConnection.get(connectionId)
      if (!others) byConnection.set(connectionId, (others = new Set()))
      others.add(session)
    },
    open(session, clientId, at) {
      session.opened = { clientId, at }
      byClientId.set(clientId, session)
    },
    named: (clientId) => byClientId.get(clientId),
    connection: (connectionId) => byConnection.get(connectionId),
    revoked({ connectionId, credentialIds }) {
      const credentials = credentialIds && new Set(credentialIds)
      return [...(byConnection.get(connectionId) ?? [])].filter(
        ({ identity }) => !credentials || (identity !== undefined && credentials.has(identity.credentialId)),
      )
    },
    waits(session) {
      waiting.add(session)
    },
    wake(session) {
      if (waiting.delete(session)) nudge(session)
    },
    nudge(mayRead) {
      // A copy: one that still may not read puts itself back while this runs.
      for (const session of [...waiting]) {
        if (!mayRead(session)) continue
        waiting.delete(session)
        nudge(session)
      }
    },
  }
}
