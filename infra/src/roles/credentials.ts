/** Who a device says it is, checked against the CRM database. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { MqttIdentity } from '@heliograph/ingest'
import type { ConnectionAccess, ConnectionId, CrmReader, TenantId } from '@heliograph/crm-core/contracts'

/**
 * How old a look at the database may be that lets somebody in. A district's loggers that come back together share one look instead
 * of thousands; the edge asks again where a revocation is younger than any look can be.
 */
const SHARED_MS = 250
/** User names looked at within that time; more are looked up each for itself. */
const MOST_SHARED = 1_000

interface Look {
  readonly at: number
  readonly access: Promise<ConnectionAccess | undefined>
}

/**
 * Secrets of connections are random 256-bit values, so a plain hash is enough to keep them.
 * @throws what the database throws: then nobody was judged
 */
export function createCredentials(
  reader: Pick<CrmReader, 'connectionByUsername'>,
  clock: { now(): number } = Date,
): { verify(userName: string, secret: string): Promise<MqttIdentity | undefined> } {
  const looks = new Map<string, Look>()

  function look(userName: string): Look {
    const made = { at: clock.now(), access: reader.connectionByUsername(userName) }
    if (looks.size >= MOST_SHARED) looks.clear()
    looks.set(userName, made)
    return made
  }

  return {
    async verify(userName, secret) {
      const shared = looks.get(userName)
      if (shared && clock.now() - shared.at < SHARED_MS) {
        const access = await shared.access.catch(() => undefined)
        const known = access && identityOf(access, secret, clock.now())
        if (known) return known
      }
      // A secret made this moment is not in an older look, so only a fresh one refuses.
      const access = await look(userName).access
      return access && identityOf(access, secret, clock.now())
    },
  }
}

function identityOf(access: ConnectionAccess, secret: string, now: number): MqttIdentity | undefined {
  if (!access.enabled || access.transport !== 'mqtt') return undefined
  const given = createHash('sha256').update(secret).digest()
  const credential = access.credentials.find(
    ({ secretHash, validTo }) =>
      secretHash !== null &&
      secretHash.length === 64 &&
      (validTo === null || validTo > now) &&
      timingSafeEqual(Buffer.from(secretHash, 'hex'), given),
  )
  return (
    credential && {
      tenantId: access.tenantId as TenantId,
      connectionId: access.connectionId as ConnectionId,
      vendor: access.vendor,
      credentialId: credential.id,
    }
  )
}
