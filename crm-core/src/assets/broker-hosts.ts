/**
 * Which hosts a tenant's connection may make us reach. A broker's address is chosen by people of a tenant; the server that
 * dials it stands in the operator's network. What is judged is the address that is dialled, never the name alone.
 */
import { BlockList, isIP } from 'node:net'

export type AddressClass = 'public' | 'private' | 'loopback' | 'link-local' | 'reserved'
/** Classes that can be allowed as a whole; addresses of the others only one by one. */
const ALLOWABLE = ['public', 'private', 'loopback'] as const
export const DEFAULT_BROKER_HOSTS = 'public'

export interface BrokerHosts {
  /** Why this address may not be dialled, as part of a sentence; undefined where it may. @param host as the connection names it */
  refusal(host: string, address: string): string | undefined
}

const RANGES: readonly (readonly [AddressClass, readonly string[]])[] = [
  ['loopback', ['127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128']],
  // Where clouds keep the keys of their machines.
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']],
  [
    'reserved',
    // 6to4 and Teredo carry an IPv4 address that would be judged by nobody.
    ['192.0.0.0/24', '198.18.0.0/15', '224.0.0.0/3', 'fec0::/10', 'ff00::/8', '2002::/16', '2001::/32', '100::/64'],
  ],
]
const LISTS = RANGES.map(([name, ranges]) => [name, listOf(ranges)] as const)

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) addTo(list, range)
  return list
}
function addTo(list: BlockList, range: string): void {
  const [network, prefix] = range.split('/') as [string, string | undefined]
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
  list.addSubnet(network, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family)
}
const within = (list: BlockList, address: string): boolean => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** The IPv4 address that an IPv6 one stands for (`::ffff:10.0.0.1`, `64:ff9b::a00:1`), else the address itself. */
function unwrapped(address: string): string {
  if (isIP(address) !== 6) return address
  // A zone (`fe80::1%eth0`) says by which interface, not whom.
  const groups = groupsOf(address.split('%')[0]!)
  const head = groups.slice(0, 6).join(':')
  if (head !== '0:0:0:0:0:65535' && head !== '100:65435:0:0:0:0') return address.split('%')[0]!
  return [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join('.')
}
/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const text = dotted
    ? `${dotted[1]!}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : address
  const [before = '', after] = text.split('::') as [string, string?]
  const parse = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)))
  const left = parse(before)
  const right = after === undefined ? [] : parse(after)
  return [...left, ...new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0), ...right]
}

export function classOfAddress(address: string): AddressClass {
  const plain = unwrapped(address)
  return LISTS.find(([, list]) => within(list, plain))?.[0] ?? 'public'
}

/**
 * @param text comma-separated: `public`, `private`, `loopback`, addresses, networks (CIDR), names, `*.` and the end of names
 * @throws Error with the part that is none of these
 */
export function parseBrokerHosts(text: string): BrokerHosts {
  const classes = new Set<string>()
  const networks = new BlockList()
  const names = new Set<string>()
  const endings: string[] = []
  for (const part of text.split(',').map((each) => each.trim().toLowerCase())) {
    if (part === '') continue
    const [network, prefix, ...more] = part.split('/') as [string, string?, ...string[]]
    const family = isIP(network)
    if ((ALLOWABLE as readonly string[]).includes(part)) classes.add(part)
    else if (family !== 0) {
      const bits = prefix === undefined ? 0 : Number(prefix)
      if (more.length > 0 || prefix === '' || !Number.isInteger(bits) || bits < 0 || bits > (family === 6 ? 128 : 32))
        throw new Error(`"${part}" is no network`)
      addTo(networks, part)
    } else if (/^\*(\.[a-z0-9_-]+)+$/.test(part)) endings.push(part.slice(1))
    else if (/^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/.test(part)) names.add(part.replace(/\.$/, ''))
    else throw new Error(`"${part}" is no host, address or network`)
  }
  return {
    refusal(host, address) {
      const name = host.toLowerCase().replace(/\.$/, '')
      if (names.has(name) || endings.some((ending) => name.endsWith(ending))) return undefined
      const plain = unwrapped(address)
      const kind = classOfAddress(plain)
      if (classes.has(kind) || within(networks, plain)) return undefined
      const what = host === address ? address : `${host} (${address})`
      return `${what} is ${kind === 'public' ? 'an address' : `a ${kind} address`} that the setting HELIO_BROKER_HOSTS does not allow`
    },
  }
}
