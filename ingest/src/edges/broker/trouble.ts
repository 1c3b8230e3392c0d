/** What can be wrong between us and a tenant's broker, in words for the person who can put it right. */

export type TroubleCode =
  | 'address-refused'
  | 'host-unknown'
  | 'connection-refused'
  | 'unreachable'
  | 'certificate'
  | 'tls'
  | 'version'
  | 'no-answer'
  | 'credentials'
  | 'client-id'
  | 'busy'
  | 'filter-refused'
  | 'taken-over'
  | 'silent'
  | 'closed'
  | 'protocol'

export class BrokerTrouble extends Error {
  readonly code: TroubleCode
  constructor(code: TroubleCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'BrokerTrouble'
    this.code = code
  }
}

const CERTIFICATE_HINTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another host name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed; enter it, or its authority, as the CA certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not known; enter the authority’s certificate as the CA certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its authority is not known; enter the authority’s certificate as the CA certificate',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is not known; enter the authority’s certificate as the CA certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its authority is not known; enter the authority’s certificate as the CA certificate',
  CERT_REVOKED: 'it was revoked',
}

/** Of an error of dns, net or tls. */
export function dialTrouble(error: unknown, { host, port }: { host: string; port: number }): BrokerTrouble {
  if (error instanceof BrokerTrouble) return error
  const code = (error as { code?: string }).code ?? ''
  const place = `${host}:${port}`
  const because = { cause: error }
  if (code in CERTIFICATE_HINTS)
    return new BrokerTrouble(
      'certificate',
      `The certificate of ${place} is not trusted: ${CERTIFICATE_HINTS[code]}`,
      because,
    )
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code === 'EPROTO')
    return new BrokerTrouble('tls', `${place} does not speak TLS as we do; is this its TLS port?`, because)
  switch (code) {
    case 'ENOTFOUND':
    case 'ENODATA':
      return new BrokerTrouble('host-unknown', `There is no host called ${host}`, because)
    case 'EAI_AGAIN':
      return new BrokerTrouble('host-unknown', `The name ${host} cannot be looked up at the moment`, because)
    case 'ECONNREFUSED':
      return new BrokerTrouble('connection-refused', `Nothing listens at ${place}`, because)
    case 'ECONNRESET':
    case 'EPIPE':
      return new BrokerTrouble('closed', `${place} closed the connection`, because)
    default:
      return new BrokerTrouble('unreachable', `${place} cannot be reached${code ? ` (${code})` : ''}`, because)
  }
}

/** CONNACK return codes of 3.1.1 below 6, reason codes of 5 from 128 on. */
export function connackTrouble(code: number): BrokerTrouble {
  switch (code) {
    case 1:
    case 132:
      return new BrokerTrouble('version', 'The broker does not speak this version of MQTT')
    case 2:
    case 133:
      return new BrokerTrouble('client-id', 'The broker does not take our client id')
    case 3:
    case 136:
    case 137:
    case 151:
    case 159:
      return new BrokerTrouble('busy', 'The broker says that it is busy or full')
    case 4:
    case 134:
      return new BrokerTrouble('credentials', 'The broker says that the user name or the password is wrong')
    case 5:
    case 135:
      return new BrokerTrouble(
        'credentials',
        'The broker does not let us in: wrong user name or password, or a login that may not connect',
      )
    case 138:
      return new BrokerTrouble('credentials', 'The broker has banned this login or our address')
    default:
      return new BrokerTrouble('protocol', `The broker refuses the connection (reason ${code})`)
  }
}

/** Of a DISCONNECT that a broker of version 5 sends. */
export function disconnectTrouble(code: number): BrokerTrouble {
  switch (code) {
    case 142:
      return new BrokerTrouble('taken-over', 'Somebody else connected to the broker with our client id')
    case 135:
      return new BrokerTrouble('credentials', 'The broker no longer lets this login in')
    case 137:
    case 139:
    case 151:
      return new BrokerTrouble('busy', 'The broker is going down, or says that it is busy or full')
    default:
      return new BrokerTrouble('closed', `The broker ended the connection (reason ${code})`)
  }
}

const FILTER_REASONS: Readonly<Record<number, string>> = {
  135: 'the login may not subscribe to it',
  143: 'it is no valid filter there',
  151: 'its limit is reached',
  158: 'it has no shared subscriptions',
  162: 'it takes no wildcards',
}
export function filterTrouble(refused: readonly { filter: string; code: number }[]): BrokerTrouble {
  const [first] = refused
  const reason = FILTER_REASONS[first!.code] ?? 'the login may not subscribe to it, or it is not valid there'
  const more = refused.length > 1 ? ` (and ${refused.length - 1} more)` : ''
  return new BrokerTrouble('filter-refused', `The broker refuses the filter "${first!.filter}"${more}: ${reason}`)
}
