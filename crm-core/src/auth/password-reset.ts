import { ProblemError, type CallerOrigin, type ScopedDb, type TenantId, type WriteTx } from '../../contracts/index.ts'
import { systemCaller } from '../database/crm-database.ts'
import { queueNotification } from '../desk/notifications.ts'
import type { CrmDeps } from '../deps.ts'
import { createFailureLimits } from './failure-limits.ts'
import { hashToken, randomToken } from './tokens.ts'

const RESET_MS = 60 * 60_000
const INVITATION_MS = 7 * 86_400_000

type SetPassword = (
  as: ScopedDb,
  userId: string,
  password: string,
  keepSession: undefined,
  more: (tx: WriteTx) => Promise<unknown>,
) => Promise<void>

/**
 * Puts a mail with a link to choose a password into the outbox, as part of a transaction with system rights in the person's
 * tenant. An older link stops working.
 */
export async function queuePasswordLink(
  tx: WriteTx,
  deps: CrmDeps,
  user: { id: string; email: string; name: string },
  why: 'reset' | 'invitation',
): Promise<void> {
  const token = randomToken()
  const expiresAt = new Date(deps.now() + (why === 'reset' ? RESET_MS : INVITATION_MS))
  await tx.removeWhere('passwordReset', { userId: user.id })
  const reset = await tx.create('passwordReset', { userId: user.id, tokenHash: hashToken(token), expiresAt })
  const link = `${deps.publicUrl}/reset?token=${token}`
  const text =
    why === 'reset'
      ? `Hello ${user.name},\n\nsomebody, we hope you, asked for a new password. Choose it here within an hour:\n${link}\n\nIf it was not you, there is nothing to do: your password stays as it is.`
      : `Hello ${user.name},\n\nan account was made for you. Choose your password here within seven days:\n${link}`
  await queueNotification(tx, deps, {
    channel: 'mail',
    recipient: user.email,
    subject: why === 'reset' ? 'Choose a new password' : 'Your account',
    text,
    dedupeKey: `password:${reset.id}`,
    confidential: true,
    userId: user.id,
  })
}

export function createPasswordResets(deps: CrmDeps, setPassword: SetPassword) {
  const { db, now } = deps
  // Mails are what is limited here: three an hour to one person, so that the form is no tool to fill a mailbox.
  const limits = createFailureLimits({ max: (key) => (key.startsWith('mail:') ? 3 : 100), windowMs: 3_600_000, now })

  return {
    /** Always resolves the same way and says nothing about which accounts exist. */
    async requestReset(input: { email: string }, origin: CallerOrigin = {}): Promise<void> {
      const email = input.email.trim().toLowerCase()
      const keys = [`mail:${hashToken(email)}`, `address:${origin.address ?? ''}`]
      try {
        limits.check(keys)
      } catch {
        return
      }
      limits.fail(keys)
      const user = await db.system.first('user', { email })
      if (user === undefined || user.status !== 'active') return
      const caller = { ...systemCaller('auth', user.tenantId as TenantId), origin }
      await db.as(caller).transaction(async (tx) => {
        await queuePasswordLink(tx, deps, user, 'reset')
        tx.audit({ action: 'password.reset.request', resource: 'user', resourceId: user.id })
      })
    },

    /** Sets the password of a link once; ends every session. @throws ProblemError `wrong_code` for a used or old link */
    async reset(input: { token: string; new: string }, origin: CallerOrigin = {}): Promise<void> {
      const tokenHash = hashToken(input.token)
      const found = await db.system.first('passwordReset', { tokenHash })
      const good = (reset: typeof found) =>
        reset !== undefined && reset.usedAt === null && reset.expiresAt.getTime() > now()
      const refused = () => new ProblemError('wrong_code', 'This link was used or is too old; ask for a new one')
      if (found === undefined || !good(found)) throw refused()
      const caller = { ...systemCaller('auth', found.tenantId as TenantId), origin }
      await setPassword(db.as(caller), found.userId, input.new, undefined, async (tx) => {
        // Looked at again inside the transaction: of two uses at once one wins.
        if (!good(await tx.first('passwordReset', { tokenHash }))) throw refused()
        tx.audit({ action: 'password.reset', resource: 'user', resourceId: found.userId })
      })
    },
  }
}
