import { createHash, randomBytes } from 'node:crypto'

/** 256 random bits, URL-safe. Never begins with a dash: pasted into a command line it would be taken for an option. */
export function randomToken(): string {
  for (;;) {
    const token = randomBytes(32).toString('base64url')
    if (!token.startsWith('-')) return token
  }
}

/**
 * What is stored of a secret that we made ourselves. A plain SHA-256 is right for 256 random bits: nobody can try them out,
 * so the slowness of a password hash would only slow down every request. Chosen passwords go through Argon2 instead.
 */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex')
