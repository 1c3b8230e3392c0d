import { describe, expect, it } from 'vitest'
import type { BrokerSettings } from '../../contracts/index.ts'
import { classOfAddress, parseBrokerHosts } from './broker-hosts.ts'
import { brokerAddress, brokerUrl, filterFault, mergeBroker } from './broker-settings.ts'

describe('addresses that a connection may make us reach', () => {
  it.each([
    ['93.184.216.34', 'public'],
    ['2606:2800:220:1::1', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.9.9.9', 'loopback'],
    ['0.0.0.0', 'loopback'],
    ['::1', 'loopback'],
    ['::', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['10.0.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', 'public'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd00::1', 'private'],
    ['::ffff:192.168.1.1', 'private'],
    ['169.254.169.254', 'link-local'],
    ['::ffff:a9fe:a9fe', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['224.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['ff02::1', 'reserved'],
    ['2002:7f00:1::', 'reserved'],
  ])('%s is %s', (address, kind) => expect(classOfAddress(address)).toBe(kind))

  it.each([
    ['public', '10.0.0.1', 'a private address that the setting HELIO_BROKER_HOSTS does not allow'],
    ['public', '8.8.8.8', undefined],
    ['public,private', '10.0.0.1', undefined],
    ['public,private', '127.0.0.1', 'a loopback address'],
    ['public,private,loopback', '127.0.0.1', undefined],
    ['public,private,loopback', '169.254.169.254', 'a link-local address'],
    ['10.1.0.0/16', '10.1.2.3', undefined],
    ['10.1.0.0/16', '10.2.0.1', 'a private address'],
    ['10.1.0.0/16', '8.8.8.8', 'an address that'],
    ['169.254.1.1', '169.254.1.1', undefined],
    ['fd00::/8', 'fd12::1', undefined],
  ])('"%s" and %s: %s', (setting, address, refusal) => {
    const said = parseBrokerHosts(setting).refusal(address, address)
    if (refusal === undefined) expect(said).toBeUndefined()
    else expect(said).toContain(refusal)
  })
  it('names that are allowed may stand for any address', () => {
    const hosts = parseBrokerHosts('mqtt.lan, *.plant.example')
    expect(hosts.refusal('MQTT.lan', '127.0.0.1')).toBeUndefined()
    expect(hosts.refusal('a.plant.example.', '10.0.0.1')).toBeUndefined()
    expect(hosts.refusal('plant.example', '10.0.0.1')).toContain('plant.example (10.0.0.1)')
    expect(hosts.refusal('evil-plant.example', '10.0.0.1')).toBeDefined()
  })
  it.each(['public,10.0.0.0/33', 'http://x', '*', '10.0.0.0/', 'a b'])('"%s" is no setting', (text) =>
    expect(() => parseBrokerHosts(text)).toThrow(/is no/),
  )
})

describe('the address of a broker', () => {
  it.each([
    ['mqtt://Broker.Example', 'mqtt://broker.example:1883'],
    ['mqtts://broker.example/', 'mqtts://broker.example:8883'],
    ['mqtt://10.0.0.1:1884', 'mqtt://10.0.0.1:1884'],
    ['mqtts://[FD00::1]:99', 'mqtts://[fd00::1]:99'],
    [' mqtt://a_b-c.d:1 ', 'mqtt://a_b-c.d:1'],
  ])('%s is %s', (text, url) => expect(brokerUrl(brokerAddress(text))).toBe(url))
  it.each([
    ['http://broker', /must look like/],
    ['broker:1883', /must look like/],
    ['mqtt://a/b', /must look like/],
    ['mqtt://user:pass@broker', /must not hold a login/],
    ['mqtt://', /names no host/],
    ['mqtt://-x', /names no host/],
    ['mqtt://[10.0.0.1]', /names no host/],
    ['mqtt://b:0', /names no port/],
    ['mqtt://b:70000', /names no port/],
  ])('%s is none', (text, message) => expect(() => brokerAddress(text)).toThrow(message))
})

it.each([
  ['readings', undefined],
  ['a/+/b/#', undefined],
  ['#', undefined],
  ['a/#/b', /last level/],
  ['a#', /last level/],
  ['a+/b', /whole level/],
  ['$share/x/a', /begin with \$/],
  ['$SYS/#', /begin with \$/],
  ['a\u0000', /character/],
])('the filter %s: %s', (filter, fault) => {
  if (fault === undefined) expect(filterFault(filter)).toBeUndefined()
  else expect(filterFault(filter)).toMatch(fault)
})

describe('settings of a broker', () => {
  const hosts = parseBrokerHosts('public,private')
  const made = (changes: object = {}): BrokerSettings =>
    mergeBroker(
      { url: 'mqtt://10.0.0.1', username: 'u', password: 'p', topics: ['a', 'b'], ...changes },
      undefined,
      hosts,
    ).settings
  const faults = (changes: object, before: BrokerSettings | null = made()) =>
    mergeBroker(changes, before ?? undefined, hosts).faults.map(({ path }) => path)

  it('never hold the password', () => {
    expect(made()).toEqual({
      url: 'mqtt://10.0.0.1:1883',
      username: 'u',
      hasPassword: true,
      topics: ['a', 'b'],
      version: 'auto',
      workers: 1,
      caCert: null,
      retired: { topics: [], workers: 1 },
    })
  })
  it('remember what the broker’s session may hold still', () => {
    const next = mergeBroker({ topics: ['b', 'c'], workers: 3 }, made(), hosts).settings
    expect(next.retired).toEqual({ topics: ['a'], workers: 1 })
    const last = mergeBroker({ topics: ['a'], workers: 1 }, next, hosts).settings
    expect(last.retired).toEqual({ topics: ['b', 'c'], workers: 3 })
    // A session of another broker.
    expect(mergeBroker({ url: 'mqtt://10.0.0.2', password: 'p' }, last, hosts).settings.retired).toEqual({
      topics: [],
      workers: 1,
    })
  })
  it('do not send a password to another address', () => {
    expect(faults({ url: 'mqtt://10.0.0.2' })).toEqual(['broker.password'])
    expect(faults({ url: 'mqtts://10.0.0.1' })).toEqual(['broker.password'])
    expect(faults({ url: 'mqtt://10.0.0.1:1883' })).toEqual([])
    expect(faults({ url: 'mqtt://10.0.0.2', password: 'again' })).toEqual([])
    expect(faults({ url: 'mqtt://10.0.0.2', password: null })).toEqual([])
  })
  it('are refused where they cannot work', () => {
    expect(faults({ url: 'mqtt://127.0.0.1', topics: ['a', 'b#'] }, null)).toEqual(['broker.url', 'broker.topics.1'])
    expect(faults({ url: 'mqtt://localhost', topics: ['a'] }, null)).toEqual(['broker.url'])
    expect(faults({ username: null })).toEqual(['broker.username'])
    expect(faults({ version: '3.1.1', workers: 2 })).toEqual(['broker.workers'])
    expect(faults({ caCert: 'x' })).toEqual(['broker.caCert'])
    expect(faults({ caCert: '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----' })).toEqual(['broker.caCert'])
  })
})
