import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BROKER_PASSWORDS, createSecretBox, hashToken } from '@heliograph/crm-core'
import {
  newId,
  type BrokerUpdate,
  type Caller,
  type ConnectionId,
  type CrmReader,
  type DeviceAttributes,
  type DeviceId,
  type Row,
  type TenantId,
  type UnclaimedRecord,
} from '@heliograph/crm-core/contracts'
import { problemOf } from './crm-database.conformance.ts'
import { openCrmReader } from './index.ts'
import { openTestCrm, type TestCrm } from './open-for-test.ts'

const DAY = 86_400_000

describe('sites, devices and connections', { timeout: 60_000 }, () => {
  let test: TestCrm
  let reader: CrmReader
  let admin: Caller
  let tenantId: TenantId
  let site: Row<'site'>
  let connection: Row<'connection'>
  let offset = 0
  beforeAll(async () => {
    test = await openTestCrm()
    reader = await openCrmReader({ url: test.url })
    ;({ admin, tenantId } = await test.tenant())
    site = await newSite('Home')
    ;({ row: connection } = await test.crm.connections.create(admin, {
      name: 'Broker',
      transport: 'mqtt',
      vendor: 'native',
      siteId: site.id,
    }))
  })
  afterAll(async () => {
    await reader.stop()
    await test.stop()
  })

  async function newSite(name: string): Promise<Row<'site'>> {
    const customer = await test.crm.customers.create(admin, { name: `Customer of ${name}` })
    const { row } = await test.crm.sites.create(admin, {
      name,
      customerId: customer.id,
      timezone: 'Europe/Berlin',
      arrays: [
        { name: 'South', azimuthDeg: 180, tiltDeg: 30, peakPowerW: 6000 },
        { name: 'East', azimuthDeg: 90, tiltDeg: 30, peakPowerW: 4000 },
      ],
    })
    return row
  }
  const record = (device: string, attributes: DeviceAttributes = {}, of = connection): UnclaimedRecord => ({
    tenantId,
    connectionId: of.id as ConnectionId,
    vendor: of.vendor,
    receivedAt: test.clock.now,
    reading: { device, ts: test.clock.now, tsSource: 'device', metrics: { ac_power_w: 5 }, quality: [], attributes },
    rawRef: { connectionId: of.id as ConnectionId, partition: 0, offset: 1, revision: 0 },
  })
  const arrive = (...records: UnclaimedRecord[]) => {
    offset += records.length
    return test.crm.desk.applyUnclaimed(records, { topic: 'unclaimed', consumer: 'desk', partition: 0, offset })
  }
  async function claimed(serial: string, more: object = {}, attributes: DeviceAttributes = {}): Promise<Row<'device'>> {
    await arrive(record(serial, attributes))
    const found = (await test.db.as(admin).first('unclaimed', { externalId: serial }))!
    const { deviceId } = await test.crm.claims.claim(admin, found.id, { siteId: site.id, ...more })
    return await test.db.as(admin).get('device', deviceId)
  }

  it('sums a site’s arrays where nobody names its size', () => {
    expect(site).toMatchObject({ peakPowerW: 10_000, timezone: 'Europe/Berlin' })
  })

  it('lists what nobody has claimed: one row per name and connection, counted, newest sample', async () => {
    await arrive(record('A1', { serial: 'A1' }), record('A1', { model: 'M' }), record('A2'))
    await arrive(record('A1'))
    const rows = await test.db.as(admin).find('unclaimed', { orderBy: [['externalId', 'asc']] })
    expect(rows).toMatchObject([
      { externalId: 'A1', messages: 3, serial: 'A1', attributes: { serial: 'A1', model: 'M' } },
      { externalId: 'A2', messages: 1, serial: null },
    ])
    expect(rows[0]!.sample).toMatchObject({ metrics: { ac_power_w: 5 } })
  })

  it('counts a message once, however often a replay finds it unclaimed again', async () => {
    const replayed = (device: string): UnclaimedRecord => {
      const first = record(device)
      return { ...first, rawRef: { ...first.rawRef, revision: 4 } }
    }
    await arrive(record('AGAIN'))
    await arrive(replayed('AGAIN'), replayed('AGAIN'))
    // A message that nobody understood before: the replay is the first to know the device.
    await arrive(replayed('LATELY'))
    const rows = await test.db.as(admin).find('unclaimed', { where: { externalId: { in: ['AGAIN', 'LATELY'] } } })
    expect(rows.map(({ messages }) => messages)).toEqual([1, 1])
  })

  it('claims in one step: device, link, replay, events in order; the row is gone', async () => {
    const [found] = await test.db.as(admin).find('unclaimed', { where: { externalId: 'A1' } })
    await test.events()
    const { deviceId, replayId } = await test.crm.claims.claim(admin, found!.id, { siteId: site.id, name: 'Roof' })
    const events = await test.events()
    expect(events.map(({ type }) => type)).toEqual(['device.upserted', 'replay.requested'])
    expect(events[0]).toMatchObject({
      device: {
        id: deviceId,
        links: [{ connectionId: connection.id, externalId: 'A1', from: 0 }],
        roles: [{ role: 'production', from: 0 }],
      },
    })
    expect(events[1]).toMatchObject({ replayId, link: { externalId: 'A1', deviceId }, connectionId: connection.id })
    expect(await test.db.as(admin).get('device', deviceId)).toMatchObject({
      name: 'Roof',
      serial: 'A1',
      model: 'M',
      kind: 'inverter',
    })
    expect(await test.db.as(admin).get('replay', replayId)).toMatchObject({ state: 'queued', kind: 'claim' })
    expect(await test.db.as(admin).count('unclaimed', { externalId: 'A1' })).toBe(0)
    expect(await problemOf(test.crm.claims.claim(admin, found!.id, { siteId: site.id }))).toBe('not_found')
    // What a slow consumer still brings of the linked device does not come back.
    await arrive(record('A1'))
    expect(await test.db.as(admin).count('unclaimed', { externalId: 'A1' })).toBe(0)
  })

  it('keeps the firmware that a device tells, and follows when it tells another one', async () => {
    const device = await claimed('FW', {}, { firmware: '1.0' })
    const firmware = async () => (await test.db.as(admin).get('device', device.id)).firmware
    expect(device.firmware).toBe('1.0')
    const { admin: stranger, tenantId: elsewhere } = await test.tenant()
    const told = (version: string, of = tenantId): UnclaimedRecord => {
      const reading = { ...record('FW').reading, metrics: {}, attributes: { firmware: version } }
      return { ...record('FW'), tenantId: of, reading, deviceId: device.id as DeviceId }
    }
    await test.events()
    await arrive(told('1.1'), told('1.2'))
    expect(await firmware()).toBe('1.2')
    expect(await test.events()).toMatchObject([
      { type: 'device.upserted', tenantId, device: { id: device.id, firmware: '1.2' } },
    ])
    // Several may tell the same; another tenant's word is nobody's; and it is no edit that who edits has to know of.
    await arrive(told('1.2'))
    await arrive(told('6.6.6', elsewhere))
    expect(await firmware()).toBe('1.2')
    expect(await test.events()).toEqual([])
    expect((await test.db.as(admin).get('device', device.id)).version).toBe(device.version)
    expect(await test.db.as(admin).count('unclaimed', { externalId: 'FW' })).toBe(0)
    expect(await test.db.as(stranger).count('unclaimed')).toBe(0)
  })

  it('hangs a claimed inverter under its claimed gateway', async () => {
    const gateway = await claimed('GW', { kind: 'gateway' })
    const inverter = await claimed('MI', {}, { parent: 'GW', kind: 'inverter' })
    expect(inverter.parentId).toBe(gateway.id)
  })

  it('follows a replay to its end and not back', async () => {
    const replay = await test.crm.replays.create(admin, { connectionId: connection.id, from: new Date(0) })
    const tell = (state: 'running' | 'done', done: number, at: number) =>
      test.crm.desk.applyReplayProgress([{ replayId: replay.id as never, tenantId, state, done, total: 10 }], {
        topic: 'replays',
        consumer: 'desk',
        partition: 0,
        offset: at,
      })
    await tell('running', 4, 1)
    expect(await test.db.as(admin).get('replay', replay.id)).toMatchObject({ state: 'running', done: 4, total: 10 })
    await tell('done', 10, 2)
    await tell('running', 5, 3)
    expect(await test.db.as(admin).get('replay', replay.id)).toMatchObject({ state: 'done', done: 10 })
    const other = await test.crm.replays.createForMessage(admin, {
      connectionId: connection.id,
      partition: 1,
      offset: 7,
    })
    expect(other.revision).toBe(replay.revision + 1)
    expect((await test.eventsOf('replay.requested')).at(-1)).toMatchObject({
      message: { partition: 1, offset: 7 },
      revision: other.revision,
    })
    // What a decoder that starts takes up: what did not end, and what ended since its store may have lost something.
    const unfinished = async (endedSince?: number) =>
      (await reader.unfinishedReplays(endedSince)).map((one) => one.replayId)
    expect(await unfinished()).toContain(other.id)
    expect(await unfinished()).not.toContain(replay.id)
    const { updatedAt } = await test.db.as(admin).get('replay', replay.id)
    expect(await unfinished(updatedAt.getTime())).toEqual(expect.arrayContaining([replay.id, other.id]))
    expect(await unfinished(updatedAt.getTime() + 60_000)).not.toContain(replay.id)
  })

  it('changes a role from a day on, and tells from where to compute again', async () => {
    const device = await claimed('M1', { kind: 'meter' })
    expect(device.role).toBe('grid')
    const from = new Date(test.clock.now - 10 * DAY)
    await test.events()
    await test.crm.devices.update(admin, device.id, { role: 'production', effectiveFrom: from })
    const [event] = await test.eventsOf('device.upserted')
    expect(event).toMatchObject({ recomputeFrom: from.getTime() })
    expect(event!.device.roles).toEqual([
      { role: 'grid', from: 0, to: from.getTime() },
      { role: 'production', from: from.getTime() },
    ])
    const earlier = new Date(test.clock.now - 20 * DAY)
    await test.crm.devices.update(admin, device.id, { role: 'none', effectiveFrom: earlier })
    const { roles } = await test.crm.devices.periods(admin, device.id)
    expect(roles.map(({ role }) => role)).toEqual(['grid', 'none'])
    const ahead = test.crm.devices.update(admin, device.id, {
      role: 'grid',
      effectiveFrom: new Date(test.clock.now + DAY),
    })
    expect(await problemOf(ahead)).toBe('invalid_fields')
  })

  it('moves a device with what hangs below it; its history stays where it was made', async () => {
    const elsewhere = await newSite('Elsewhere')
    const gateway = await claimed('GW2', { kind: 'gateway' })
    const child = await claimed('MI2', {}, { parent: 'GW2' })
    const from = new Date(test.clock.now - DAY)
    await test.events()
    const moved = await test.crm.devices.update(admin, gateway.id, { siteId: elsewhere.id, effectiveFrom: from })
    expect(moved).toMatchObject({ siteId: elsewhere.id, parentId: null })
    const told = await test.eventsOf('device.upserted')
    expect(told.map((event) => [event.device.id, event.recomputeFrom])).toEqual([
      [gateway.id, from.getTime()],
      [child.id, from.getTime()],
    ])
    expect(told[1]!.device.sites).toEqual([
      { siteId: site.id, from: 0, to: from.getTime() },
      { siteId: elsewhere.id, from: from.getTime() },
    ])
    expect(told[1]!.device.parentId).toBe(gateway.id)
    expect(await problemOf(test.crm.devices.update(admin, gateway.id, { parentId: child.id }))).toBe('conflict')
    const stranger = await claimed('X9')
    expect(await problemOf(test.crm.devices.update(admin, stranger.id, { parentId: gateway.id }))).toBe('conflict')
  })

  it('replaces a device: the old one’s name is free from then on', async () => {
    const old = await claimed('OLD')
    const fresh = await claimed('NEW')
    const at = new Date(test.clock.now)
    await test.crm.devices.update(admin, old.id, { replacedById: fresh.id, effectiveFrom: at })
    const { links } = await test.crm.devices.periods(admin, old.id)
    expect(links).toMatchObject([{ externalId: 'OLD', validTo: at }])
    test.clock.now += 1000
    const again = await claimed('OLD')
    const periods = await test.crm.devices.periods(admin, again.id)
    // The name's raw history up to the replacement is the old device's.
    expect(periods.links).toMatchObject([{ externalId: 'OLD', validFrom: at, validTo: null }])
  })

  it('takes the replacement that was entered before it was heard: one device, not it and its double', async () => {
    const old = await claimed('SWAP-OLD', { name: 'Roof south' })
    const fresh = await test.crm.devices.create(admin, {
      siteId: site.id,
      kind: 'inverter',
      vendor: 'native',
      serial: 'SWAP-NEW',
      name: 'Roof south',
    })
    await test.crm.devices.update(admin, old.id, { replacedById: fresh.id })
    await arrive(record('SWAP-NEW', { model: 'X 10', firmware: '7', parent: 'GW' }))
    const found = (await test.db.as(admin).first('unclaimed', { externalId: 'SWAP-NEW' }))!
    await test.events()
    const { deviceId, replayId } = await test.crm.claims.claim(admin, found.id, {
      siteId: site.id,
      name: 'native SWAP-NEW',
      role: 'none',
    })
    expect(deviceId).toBe(fresh.id)
    expect(await test.db.as(admin).count('device', { serial: 'SWAP-NEW' })).toBe(1)
    const gateway = (await test.db.as(admin).first('device', { serial: 'GW' }))!
    expect(await test.db.as(admin).get('device', fresh.id)).toMatchObject({
      name: 'Roof south',
      role: 'production',
      model: 'X 10',
      firmware: '7',
      parentId: gateway.id,
    })
    const events = await test.events()
    expect(events.map(({ type }) => type)).toEqual(['device.upserted', 'replay.requested'])
    expect(events[0]).toMatchObject({
      device: { id: fresh.id, parentId: gateway.id, links: [{ externalId: 'SWAP-NEW', from: 0 }] },
    })
    expect(events[1]).toMatchObject({ replayId, link: { externalId: 'SWAP-NEW', deviceId: fresh.id } })
  })

  describe('a device that waits for its claim', () => {
    const waiting = (serial: string, more: object = {}, as = admin) =>
      test.crm.devices.create(as, { siteId: site.id, kind: 'inverter', vendor: 'native', serial, ...more })
    const devices = (serial: string) => test.db.system.count('device', { serial })

    it('is known by the name it speaks under, too', async () => {
      const device = await waiting('W-NAME')
      expect((await claimed('W-NAME', {}, { serial: 'W-SERIAL' })).id).toBe(device.id)
    })
    it('is the one of its kind, where a logger bears the serial of its inverter', async () => {
      const inverter = await waiting('W-TWINS')
      const logger = await waiting('W-TWINS', { kind: 'gateway' })
      expect((await claimed('W-TWINS', {}, { kind: 'gateway' })).id).toBe(logger.id)
      const { row } = await test.crm.connections.create(admin, { name: 'B', transport: 'mqtt', vendor: 'native' })
      await arrive(record('W-TWINS', {}, row))
      const found = (await test.db.as(admin).first('unclaimed', { externalId: 'W-TWINS' }))!
      expect((await test.crm.claims.claim(admin, found.id, { siteId: site.id })).deviceId).toBe(inverter.id)
    })
    it('is never one of another site', async () => {
      const other = await newSite('Next door')
      const device = await waiting('W-SITE', { siteId: other.id })
      expect((await claimed('W-SITE')).id).not.toBe(device.id)
    })
    it('is never one of another tenant', async () => {
      const { admin: stranger } = await test.tenant()
      const customer = await test.crm.customers.create(stranger, { name: 'Stranger' })
      const { row } = await test.crm.sites.create(stranger, {
        name: 'Theirs',
        customerId: customer.id,
        timezone: 'Europe/Berlin',
      })
      const device = await waiting('W-TENANT', { siteId: row.id }, stranger)
      expect((await claimed('W-TENANT')).id).not.toBe(device.id)
      expect(await devices('W-TENANT')).toBe(2)
    })
    it('is never one of another vendor', async () => {
      const device = await waiting('W-VENDOR', { vendor: 'sma' })
      expect((await claimed('W-VENDOR')).id).not.toBe(device.id)
    })
    it('is never one that is linked, nor one that was', async () => {
      const linked = await claimed('W-LINKED')
      const { row } = await test.crm.connections.create(admin, { name: 'C', transport: 'mqtt', vendor: 'native' })
      await arrive(record('W-LINKED', {}, row))
      const found = (await test.db.as(admin).first('unclaimed', { externalId: 'W-LINKED' }))!
      const second = await test.crm.claims.claim(admin, found.id, { siteId: site.id })
      expect(second.deviceId).not.toBe(linked.id)
      await test.crm.devices.update(admin, linked.id, { replacedById: second.deviceId })
      test.clock.now += 1000
      const third = await claimed('W-LINKED')
      expect([linked.id, second.deviceId]).not.toContain(third.id)
    })
    it('is named against all of that by who knows better', async () => {
      const device = await waiting('W-OTHER-SERIAL')
      expect((await claimed('W-NAMED', { deviceId: device.id })).id).toBe(device.id)
      expect(await devices('W-NAMED')).toBe(0)
    })
  })

  it('does not go on waiting for a replaced inverter: it counts no more, and again when the swap is undone', async () => {
    const old = await claimed('WORN')
    const fresh = await claimed('SPARE')
    const at = new Date(test.clock.now - DAY)
    await test.events()
    const replaced = await test.crm.devices.update(admin, old.id, { replacedById: fresh.id, effectiveFrom: at })
    expect(replaced.role).toBe('none')
    const [event] = await test.eventsOf('device.upserted')
    expect(event).toMatchObject({ recomputeFrom: at.getTime() })
    expect(event!.device.roles).toEqual([
      { role: 'production', from: 0, to: at.getTime() },
      { role: 'none', from: at.getTime() },
    ])
    expect((await test.db.as(admin).get('device', fresh.id)).role).toBe('production')
    const back = await test.crm.devices.update(admin, old.id, { replacedById: null })
    expect(back.role).toBe('production')
    const kept = await test.crm.devices.update(admin, old.id, { replacedById: fresh.id, role: 'load' })
    expect(kept.role).toBe('load')
  })

  it('takes a device out; its alarms stay, its children stand alone', async () => {
    const gateway = await claimed('GW3', { kind: 'gateway' })
    const child = await claimed('MI3', {}, { parent: 'GW3' })
    const id = newId()
    await test.crm.desk.applyAlarms(
      [
        {
          id,
          action: 'raised',
          tenantId,
          siteId: site.id as never,
          deviceId: gateway.id as never,
          type: 'x',
          severity: 'minor',
          message: 'm',
          at: test.clock.now,
          historic: false,
        },
      ],
      { topic: 'alarms', consumer: 'assets', partition: 0, offset: 1 },
    )
    await test.events()
    await test.crm.devices.remove(admin, gateway.id)
    expect((await test.events()).map(({ type }) => type)).toEqual(['device.upserted', 'device.deleted'])
    expect(await test.db.as(admin).get('alarm', id)).toMatchObject({ deviceId: null })
    expect(await test.db.as(admin).get('device', child.id)).toMatchObject({ parentId: null })
    await arrive(record('GW3'))
    expect(await test.db.as(admin).count('unclaimed', { externalId: 'GW3' })).toBe(1)
  })

  it('tells connections when their site’s zone changes, and keeps a site that is in use', async () => {
    await test.events()
    await test.crm.sites.update(admin, site.id, { timezone: 'Asia/Kathmandu' })
    const told = await test.eventsOf('connection.upserted')
    expect(told.map((event) => event.connection.timezone)).toEqual(['Asia/Kathmandu'])
    expect(await problemOf(test.crm.sites.remove(admin, site.id))).toBe('in_use')
    const empty = await newSite('Empty')
    await test.crm.sites.remove(admin, empty.id)
    expect(await problemOf(test.db.as(admin).get('site', empty.id))).toBe('not_found')
  })

  it('keeps an MQTT secret as a hash and a webhook secret sealed', async () => {
    const mqtt = await test.crm.connections.create(admin, { name: 'm', transport: 'mqtt', vendor: 'native' })
    const login = (await reader.connectionByUsername(mqtt.row.username, test.clock.now))!
    expect(login.credentials).toMatchObject([{ secretHash: hashToken(mqtt.secret), secretCipher: null }])
    const hook = await test.crm.connections.create(admin, { name: 'w', transport: 'webhook', vendor: 'native' })
    expect(hook.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const access = (await reader.connectionById(hook.row.id, test.clock.now))!
    const sealed = access.credentials[0]!.secretCipher!
    expect(createSecretBox('test secret of 32 characters ....').open(sealed)).toBe(hook.secret)
    expect(() => createSecretBox('another').open(sealed)).toThrow()
    const trail = JSON.stringify(await test.db.systemIn(tenantId, 'test').all('audit'))
    for (const secret of [mqtt.secret, hashToken(mqtt.secret), sealed]) expect(trail).not.toContain(secret)
    expect(await test.db.as(admin).count('credential')).toBe(0)
  })

  it('rotates with an overlap, and cuts what was opened with the old secret when it ends', async () => {
    const made = await test.crm.connections.create(admin, { name: 'r', transport: 'mqtt', vendor: 'native' })
    const hashes = async () =>
      (await reader.connectionByUsername(made.row.username, test.clock.now))!.credentials.map(
        ({ secretHash }) => secretHash,
      )
    const next = await test.crm.connections.rotate(admin, made.row.id, { overlapS: 60 })
    expect((await hashes()).sort()).toEqual([hashToken(made.secret), hashToken(next.secret)].sort())
    await test.events()
    const since = test.clock.now
    test.clock.now += 61_000
    expect(await hashes()).toEqual([hashToken(next.secret)])
    expect(await test.crm.connections.announceExpired(since, test.clock.now)).toBe(1)
    expect(await test.eventsOf('connection.revoked')).toMatchObject([
      { connectionId: made.row.id, credentialIds: [expect.any(String)] },
    ])
    const last = await test.crm.connections.rotate(admin, made.row.id, { overlapS: 0 })
    expect(await hashes()).toEqual([hashToken(last.secret)])
    expect(await test.eventsOf('connection.revoked')).toHaveLength(1)
  })

  it('keeps a broker with its password sealed, for the edge alone', async () => {
    const box = createSecretBox('test secret of 32 characters ....', BROKER_PASSWORDS)
    const found = async (id: string) =>
      (await reader.brokers(test.clock.now)).find(({ connectionId }) => connectionId === id)
    const { row, secret } = await test.crm.connections.create(admin, {
      name: 'b',
      transport: 'broker',
      vendor: 'native',
      broker: { url: 'mqtt://broker.example', username: 'u', password: 'their password', topics: ['a', 'b/#'] },
    })
    expect(secret).toBeNull()
    const made = (await found(row.id))!
    expect(made).toMatchObject({ tenantId, vendor: 'native', username: row.username, enabled: true })
    expect(made.broker).toEqual({
      url: 'mqtt://broker.example:1883',
      username: 'u',
      hasPassword: true,
      topics: ['a', 'b/#'],
      version: 'auto',
      workers: 1,
      caCert: null,
      retired: { topics: [], workers: 1 },
    })
    expect(box.open(made.secretCipher!)).toBe('their password')
    // What is sealed for one purpose opens for no other.
    expect(() => createSecretBox('test secret of 32 characters ....').open(made.secretCipher!)).toThrow()
    // Nobody signs in with it here.
    expect((await reader.connectionByUsername(row.username, test.clock.now))!.credentials).toMatchObject([
      { secretHash: null },
    ])

    test.clock.now += 1_000
    await test.events()
    const change = { password: 'another password', topics: ['b/#'], workers: 2 }
    const changed = await test.crm.connections.update(admin, row.id, { broker: change })
    expect(changed.broker).toMatchObject({ topics: ['b/#'], workers: 2, retired: { topics: ['a'], workers: 1 } })
    expect((await test.events()).map(({ type }) => type)).toEqual(['connection.upserted'])
    expect(box.open((await found(row.id))!.secretCipher!)).toBe('another password')
    const isolated = await test.tenant()
    expect(await problemOf(test.crm.connections.update(isolated.admin, row.id, { broker: change }))).toBe('not_found')
    const wrong: [string, BrokerUpdate][] = [
      [row.id, { url: 'mqtt://elsewhere.example' }],
      [row.id, { url: 'mqtt://10.0.0.1', password: 'x' }],
      [connection.id, { topics: ['a'] }],
    ]
    for (const [id, broker] of wrong)
      expect(await problemOf(test.crm.connections.update(admin, id, { broker }))).toBe('invalid_fields')
    expect(await problemOf(test.crm.connections.rotate(admin, row.id))).toBe('conflict')

    await test.crm.connections.update(admin, row.id, { enabled: false })
    expect(await found(row.id)).toMatchObject({ enabled: false })
    await test.crm.connections.revoke(admin, row.id)
    expect(await found(row.id)).toBeUndefined()
    const trail = JSON.stringify(await test.db.systemIn(tenantId, 'test').all('audit'))
    for (const text of ['their password', 'another password', made.secretCipher!]) expect(trail).not.toContain(text)
  })

  it('revokes for good', async () => {
    const made = await test.crm.connections.create(admin, { name: 'gone', transport: 'mqtt', vendor: 'native' })
    await test.events()
    await test.crm.connections.update(admin, made.row.id, { enabled: false })
    expect((await test.events()).map(({ type }) => type)).toEqual(['connection.upserted', 'connection.revoked'])
    await test.crm.connections.revoke(admin, made.row.id)
    expect(await reader.connectionByUsername(made.row.username, test.clock.now)).toBeUndefined()
    expect(await problemOf(test.db.as(admin).get('connection', made.row.id))).toBe('not_found')
    expect(await problemOf(test.crm.connections.rotate(admin, made.row.id))).toBe('not_found')
    expect(await arrive(record('late', {}, made.row))).toBe(0)
  })
})
