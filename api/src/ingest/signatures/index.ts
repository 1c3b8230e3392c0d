import type { ConnectionAccess } from '@heliograph/crm-core/contracts'
import { basic } from './basic.ts'
import { sharedHeader } from './shared-header.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { twilio } from './twilio.ts'
import type { Verify } from './types.ts'

const standard = standardWebhooks()

/** The check that a connection's scheme asks for; a connection without one is taken as Standard Webhooks. */
export function verifierOf({ scheme, headerName, username }: ConnectionAccess): Verify {
  switch (scheme) {
    case 'twilio':
      return twilio
    case 'shared-header':
      return sharedHeader(headerName ?? undefined)
    case 'basic':
      return basic(username)
    case 'standard-webhooks':
    case null:
      return standard
  }
}
