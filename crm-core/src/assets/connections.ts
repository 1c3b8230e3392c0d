import { randomBytes } from 'node:crypto'
import {
  DEFAULT_SECRET_HEADER,
  ProblemError,
  type BrokerSettings,
  type Caller,
  type ConnectionCreate,
  type ConnectionId,
  type ConnectionUpdate,
  type ReadDb,
  type Row,
  type WriteOptions,
  type WriteTx,
} from '../../contracts/index.ts'
import { hashToken, randomToken } from '../auth/tokens.ts'
import type { CrmDeps } from '../deps.ts'
import { elevated, narrowCaller } from '../rights/callers.ts'
import { registryConnection } from './registry-facts.ts'
import { mergeBroker } from './broker-settings.ts'
import { BROKER_PASSWORDS, createSecretBox } from './secret-box.ts'

const DEFAULT_OVERLAP_S = 86_400

/** A user name that no other connection has and that people can read out: `c-` and 15 letters and digits. */
export function connectionUsername(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
  return `c-${Array.from(randomBytes(15), (byte) => alphabet[byte % alphabet.length]).join('')}`
}

/** Zone of a connection's site, for the registry. */
export async function zoneOf(db: ReadDb, siteId: string | null): Promise<string | undefined> {
  if (siteId === null) return undefined
  const site = await db.first('site', { id: siteId })
  return site?.timezone
}

export function createConnections({ db, now, secret, brokerHosts }: CrmDeps) {
  const box = createSecretBox(secret)
  const passwords = createSecretBox(secret, BROKER_PASSWORDS)

  function newSecret(connection: Row<'connection'>) {
    // Standard Webhooks wants its prefix and plain base64 (https://www.standardwebhooks.com).
    const value =
      connection.scheme === 'standard-webhooks' ? `whsec_${randomBytes(32).toString('base64')}` : randomToken()
    return {
      value,
      row: {
        connectionId: connection.id,
        secretHash: hashToken(value),
        // Checking a webhook takes the secret itself; an MQTT login only its hash.
        secretCipher: connection.scheme === null ? null : box.seal(value),
        validFrom: new Date(now()),
      },
    }
  }

  /** A broker's password is its owner's: kept so that it can be sent, and checked against nothing. */
  const passwordRow = (connectionId: string, password: string) => ({
    connectionId,
    secretHash: null,
    secretCipher: passwords.seal(password),
    validFrom: new Date(now()),
  })
  async function endCredentials(tx: WriteTx, connectionId: string, at: Date): Promise<void> {
    for (const old of await tx.find('credential', { where: { connectionId } }))
      if (old.validTo === null || old.validTo > at) await tx.update('credential', old.id, { validTo: at })
  }

  async function upserted(tx: WriteTx, connection: Row<'connection'>): Promise<void> {
    tx.emit({
      type: 'connection.upserted',
      connection: registryConnection(connection, await zoneOf(tx, connection.siteId)),
    })
  }

  /** Makes a connection and its first secret, which is told once; none for a broker, whose login is the owner's. */
  function create(
    caller: Caller,
    input: ConnectionCreate & { transport: Exclude<ConnectionCreate['transport'], 'broker'> },
  ): Promise<{ row: Row<'connection'>; secret: string }>
  function create(caller: Caller, input: ConnectionCreate): Promise<{ row: Row<'connection'>; secret: string | null }>
  async function create(
    caller: Caller,
    input: ConnectionCreate,
  ): Promise<{ row: Row<'connection'>; secret: string | null }> {
    const narrow = narrowCaller(caller, 'connection:write')
    const isWebhook = input.transport === 'webhook'
    const broker =
      input.transport === 'broker' && input.broker ? mergeBroker(input.broker, undefined, brokerHosts) : undefined
    const errors = [
      ...(!isWebhook && input.scheme !== undefined ? [{ path: 'scheme', message: 'is for webhooks only' }] : []),
      ...(input.transport === 'broker' && input.broker === undefined
        ? [{ path: 'broker', message: 'is needed by this transport' }]
        : []),
      ...(input.transport !== 'broker' && input.broker !== undefined
        ? [{ path: 'broker', message: 'is for the transport "broker" only' }]
        : []),
      ...(broker?.faults ?? []),
      // Who sees some sites only would not see a connection that belongs to none.
      ...(narrow.siteScope === 'limited' && (input.siteId ?? null) === null
        ? [{ path: 'siteId', message: 'is needed: your rights end at your sites' }]
        : []),
    ]
    if (errors.length > 0) throw new ProblemError('invalid_fields', undefined, { errors })
    return await db.as(elevated(narrow, 'connections')).transaction(async (tx) => {
      if (typeof input.siteId === 'string') await db.as(narrow).get('site', input.siteId)
      const row = await tx.create('connection', {
        name: input.name,
        transport: input.transport,
        vendor: input.vendor,
        siteId: input.siteId ?? null,
        enabled: input.enabled ?? true,
        username: connectionUsername(),
        scheme: isWebhook ? (input.scheme ?? 'standard-webhooks') : null,
        headerName: isWebhook
          ? (input.headerName ?? (input.scheme === 'shared-header' ? DEFAULT_SECRET_HEADER : null))
          : null,
        ...(broker && { broker: broker.settings }),
      })
      if (broker) {
        const password = input.broker?.password ?? null
        if (password !== null) await tx.create('credential', passwordRow(row.id, password))
        await upserted(tx, row)
        return { row, secret: null }
      }
      const made = newSecret(row)
      await tx.create('credential', made.row)
      await upserted(tx, row)
      return { row, secret: made.value }
    })
  }

  async function update(
    caller: Caller,
    id: string,
    changes: ConnectionUpdate,
    options?: WriteOptions,
  ): Promise<Row<'connection'>> {
    const narrow = narrowCaller(caller, 'connection:write')
    const { broker: change, ...rest } = changes
    // Credentials are nobody's to read or write: with one, as the part of the system that may.
    await db.as(narrow).get('connection', id)
    return await db.as(change ? elevated(narrow, 'connections') : narrow).transaction(async (tx) => {
      if (change && typeof rest.siteId === 'string') await db.as(narrow).get('site', rest.siteId)
      const before = await tx.get('connection', id)
      let broker: BrokerSettings | undefined
      if (change) {
        if (before.broker === null)
          throw new ProblemError('invalid_fields', undefined, {
            errors: [{ path: 'broker', message: 'is for the transport "broker" only' }],
          })
        const merged = mergeBroker(change, before.broker, brokerHosts)
        if (merged.faults.length > 0) throw new ProblemError('invalid_fields', undefined, { errors: merged.faults })
        broker = merged.settings
        if (change.password !== undefined) {
          await endCredentials(tx, id, new Date(now()))
          if (change.password !== null) await tx.create('credential', passwordRow(id, change.password))
        }
      }
      const row = await tx.update('connection', id, { ...rest, ...(broker && { broker }) }, options)
      await upserted(tx, row)
      if (before.enabled && !row.enabled) tx.emit({ type: 'connection.revoked', connectionId: id as ConnectionId })
      return row
    })
  }

  /** Gives a new secret; the ones before stay good for the overlap. */
  async function rotate(caller: Caller, id: string, input: { overlapS?: number | undefined } = {}) {
    const narrow = narrowCaller(caller, 'connection:write')
    const connection = await db.as(narrow).get('connection', id)
    if (connection.transport === 'broker')
      throw new ProblemError('conflict', 'The password of a broker is made at the broker; change it here by PATCH')
    const at = now()
    const until = new Date(at + (input.overlapS ?? DEFAULT_OVERLAP_S) * 1000)
    const made = newSecret(connection)
    await db.as(elevated(caller, 'connections')).transaction(async (tx) => {
      const ended: string[] = []
      for (const old of await tx.find('credential', { where: { connectionId: id } })) {
        if (old.validTo !== null && old.validTo <= until) continue
        await tx.update('credential', old.id, { validTo: until })
        if (until.getTime() <= at) ended.push(old.id)
      }
      await tx.create('credential', made.row)
      if (ended.length > 0)
        tx.emit({ type: 'connection.revoked', connectionId: id as ConnectionId, credentialIds: ended })
    })
    return { username: connection.username, secret: made.value, previousValidTo: until }
  }

  /** Ends the connection for good: no secret of it is good any more and its sockets are cut. Its links stay as history. */
  async function revoke(caller: Caller, id: string, options?: WriteOptions): Promise<void> {
    const narrow = narrowCaller(caller, 'connection:write')
    await db.as(narrow).get('connection', id)
    await db.as(elevated(caller, 'connections')).transaction(async (tx) => {
      const at = new Date(now())
      const row = await tx.update('connection', id, { enabled: false, revokedAt: at }, options)
      await endCredentials(tx, id, at)
      await tx.removeWhere('unclaimed', { connectionId: id })
      await upserted(tx, row)
      tx.emit({ type: 'connection.revoked', connectionId: id as ConnectionId })
    })
  }

  /**
   * Announces credentials whose overlap ran out between two instants, so that sockets they opened are cut. For a job that
   * runs every second or so and remembers where it was; announcing one twice is harmless.
   */
  async function announceExpired(since: number, until: number): Promise<number> {
    const ended = await db.system.find('credential', {
      where: { validTo: { gt: new Date(since), lte: new Date(until) } },
    })
    if (ended.length === 0) return 0
    await db.system.transaction((tx) => {
      for (const [connectionId, group] of Map.groupBy(ended, (each) => each.connectionId))
        tx.emit({
          type: 'connection.revoked',
          tenantId: group[0]!.tenantId as never,
          connectionId: connectionId as ConnectionId,
          credentialIds: group.map(({ id }) => id),
        })
      return Promise.resolve()
    })
    return ended.length
  }

  /** Writes down when connections were last heard, from time to time. Keys: connection ids, values: UTC milliseconds. */
  async function seen(times: ReadonlyMap<string, number>): Promise<void> {
    if (times.size === 0) return
    await db.system.transaction(async (tx) => {
      const rows = await tx.find('connection', { where: { id: { in: [...times.keys()] } } })
      for (const row of rows) {
        const at = new Date(times.get(row.id)!)
        if (row.lastSeenAt === null || row.lastSeenAt < at) await tx.update('connection', row.id, { lastSeenAt: at })
      }
    })
  }

  return { create, update, rotate, revoke, announceExpired, seen }
}
