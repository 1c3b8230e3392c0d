import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export interface SecretBox {
  seal(secret: string): string
  /** @throws Error where the text was sealed with another key or changed */
  open(sealed: string): string
}

const WEBHOOK_SECRETS = 'webhook secrets v1'
/** Purpose of the box for passwords of tenants' own brokers. */
export const BROKER_PASSWORDS = 'broker passwords v1'

/**
 * Secrets that must be read again (a webhook's signature is made with the secret itself, a broker's password is sent) lie
 * encrypted in the database: AES-256-GCM under a key derived from `HELIO_SECRET`, so that a copy of the database alone opens
 * nothing. Form: `v1.` nonce, tag and cipher text, base64url.
 * @param purpose each has a key of its own: what is sealed for one opens for no other
 */
export function createSecretBox(secret: string, purpose: string = WEBHOOK_SECRETS): SecretBox {
  const key = Buffer.from(hkdfSync('sha256', secret, 'heliograph', purpose, 32))
  return {
    seal(plain) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return `v1.${Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')}`
    },
    open(sealed) {
      const bytes = Buffer.from(sealed.slice(3), 'base64url')
      if (!sealed.startsWith('v1.') || bytes.length < 28) throw new Error('not a sealed secret')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      decipher.setAuthTag(bytes.subarray(12, 28))
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
    },
  }
}
