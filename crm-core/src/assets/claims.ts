import {
  ProblemError,
  type Caller,
  type Claim,
  type Claimed,
  type ConnectionId,
  type DeviceId,
  type ReplayCreate,
  type ReplayId,
  type Row,
  type WriteTx,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { narrowCaller } from '../rights/callers.ts'
import { createDeviceRows } from './devices.ts'
import { emitDevice, linkDevice } from './device-periods.ts'

type NewReplay = Pick<Row<'replay'>, 'kind'> &
  Partial<
    Pick<
      Row<'replay'>,
      'connectionId' | 'deviceId' | 'externalId' | 'rangeFrom' | 'rangeTo' | 'messagePartition' | 'messageOffset'
    >
  >

/** A replay's row and its request; the request follows what was emitted before it in the same transaction. */
async function requestReplay(tx: WriteTx, input: NewReplay): Promise<Row<'replay'>> {
  const revision = await tx.next('replay')
  const row = await tx.create('replay', {
    ...input,
    revision,
    state: 'queued',
    done: 0,
    total: 0,
    requestedById: tx.caller.id,
  })
  const { connectionId, deviceId, externalId, rangeFrom, rangeTo, messagePartition, messageOffset } = row
  tx.emit({
    type: 'replay.requested',
    replayId: row.id as ReplayId,
    revision,
    ...(connectionId === null ? {} : { connectionId: connectionId as ConnectionId }),
    ...(deviceId === null || externalId === null ? {} : { link: { externalId, deviceId: deviceId as DeviceId } }),
    ...(messagePartition === null || messageOffset === null
      ? {}
      : { message: { partition: messagePartition, offset: messageOffset } }),
    ...(rangeFrom === null ? {} : { from: rangeFrom.getTime() }),
    ...(rangeTo === null ? {} : { to: rangeTo.getTime() }),
  })
  return row
}

/** Between an arrival's stamp and its place in the log, clocks set back included. */
const CLAIM_SLACK_MS = 15 * 60_000

/** Devices of one site with one serial that are looked at: more are a mistake, not a fleet. */
const MOST_OF_ONE_SERIAL = 20
const serialOf = ({ serial, externalId }: Row<'unclaimed'>): string => (serial ?? externalId).slice(0, 200)

export function createClaims({ db }: CrmDeps) {
  /**
   * Says whose an unclaimed device is: takes the device named, or the one that waits for it, or makes one; links it, and asks
   * for a replay of its raw history, all in one transaction. `device.upserted` comes before `replay.requested`, so every
   * decoder knows the link when the replay begins.
   */
  async function claim(caller: Caller, unclaimedId: string, input: Claim): Promise<Claimed> {
    return await db.as(narrowCaller(caller, 'device:claim')).transaction(async (tx) => {
      const found = await tx.get('unclaimed', unclaimedId)
      await tx.get('site', input.siteId)
      const { connectionId, externalId } = found
      const known =
        input.deviceId === undefined ? await waitingDevice(tx, found, input) : await tx.get('device', input.deviceId)
      if (known !== undefined && known.siteId !== input.siteId)
        throw new ProblemError('conflict', 'That device stands at another site')
      const device = known === undefined ? await newDevice(tx, found, input) : await completed(tx, known, found)
      await linkDevice(tx, { deviceId: device.id, connectionId, externalId })
      await emitDevice(tx, device)
      // Nothing of it lies before it was first heard: a month of everybody else's messages need not be read for it.
      const rangeFrom = new Date(found.firstSeenAt.getTime() - CLAIM_SLACK_MS)
      const replay = await requestReplay(tx, {
        kind: 'claim',
        connectionId,
        deviceId: device.id,
        externalId,
        rangeFrom,
      })
      await tx.removeWhere('unclaimed', { id: unclaimedId })
      return { deviceId: device.id, replayId: replay.id }
    })
  }

  /**
   * The device that was entered before it was first heard, as a replacement is: same site, vendor and serial, and never linked.
   * One that was linked speaks or spoke under another name, and stays what it is. What was entered holds against the claim's
   * name, kind and role: those are what a dialog fills in by itself.
   */
  async function waitingDevice(tx: WriteTx, found: Row<'unclaimed'>, input: Claim): Promise<Row<'device'> | undefined> {
    const serials = [serialOf(found), found.externalId]
    const kind = input.kind ?? found.attributes.kind
    const same = await tx.find('device', {
      where: { siteId: input.siteId, vendor: found.vendor, serial: { in: serials }, replacedById: null },
      orderBy: [['createdAt', 'asc']],
      limit: MOST_OF_ONE_SERIAL,
    })
    // A logger may bear the serial of its inverter: of several the one that fits best.
    const worth = (device: Row<'device'>) => (device.serial === serials[0] ? 2 : 0) + (device.kind === kind ? 1 : 0)
    for (const device of same.sort((a, b) => worth(b) - worth(a)))
      if ((await tx.count('deviceLink', { deviceId: device.id })) === 0) return device
    return undefined
  }

  /** Adds to a device that was there what it tells of itself and nobody has entered. */
  async function completed(tx: WriteTx, device: Row<'device'>, found: Row<'unclaimed'>): Promise<Row<'device'>> {
    const { model, firmware } = found.attributes
    // What has something below it stays where it is: its gateway may be among that.
    const free = device.parentId === null && (await tx.count('device', { parentId: device.id })) === 0
    return await tx.update('device', device.id, {
      ...(device.model === null && model !== undefined ? { model: model.slice(0, 200) } : {}),
      ...(firmware === undefined ? {} : { firmware: firmware.slice(0, 200) }),
      ...(free ? await parentOf(tx, found, device.siteId) : {}),
    })
  }

  async function newDevice(tx: WriteTx, found: Row<'unclaimed'>, input: Claim): Promise<Row<'device'>> {
    const told = found.attributes
    return await createDeviceRows(tx, {
      siteId: input.siteId,
      kind: input.kind ?? told.kind ?? 'inverter',
      vendor: found.vendor,
      serial: serialOf(found),
      ...(input.name === undefined && told.name === undefined
        ? {}
        : { name: (input.name ?? told.name!).slice(0, 200) }),
      ...(input.role === undefined ? {} : { role: input.role }),
      ...(told.model === undefined ? {} : { model: told.model.slice(0, 200) }),
      ...(told.firmware === undefined ? {} : { firmware: told.firmware.slice(0, 200) }),
      ...(await parentOf(tx, found, input.siteId)),
    })
  }

  /** The gateway that the device says it hangs under, where that one is claimed at the same site. */
  async function parentOf(tx: WriteTx, found: Row<'unclaimed'>, siteId: string): Promise<{ parentId?: string }> {
    const { parent } = found.attributes
    if (parent === undefined) return {}
    const link = await tx.first('deviceLink', {
      connectionId: found.connectionId,
      externalId: parent,
      validTo: null,
    })
    if (link === undefined) return {}
    const gateway = await tx.first('device', { id: link.deviceId })
    return gateway?.siteId === siteId ? { parentId: gateway.id } : {}
  }

  return { claim }
}

export function createReplays({ db }: CrmDeps) {
  const as = (caller: Caller) => db.as(narrowCaller(caller, 'pipeline:replay'))

  /** Decodes a range of raw messages again: of one connection, or of the whole tenant for who reaches all of it. */
  async function create(caller: Caller, input: ReplayCreate): Promise<Row<'replay'>> {
    const narrow = narrowCaller(caller, 'pipeline:replay')
    if (narrow.siteScope === 'limited' && input.connectionId === undefined)
      throw new ProblemError('forbidden', 'Name a connection: your rights end at your sites')
    if (input.from !== undefined && input.to !== undefined && input.from >= input.to)
      throw new ProblemError('invalid_fields', undefined, { errors: [{ path: 'to', message: 'is not after from' }] })
    return await db.as(narrow).transaction(async (tx) => {
      if (input.connectionId !== undefined) await tx.get('connection', input.connectionId)
      return await requestReplay(tx, {
        kind: 'range',
        connectionId: input.connectionId ?? null,
        rangeFrom: input.from ?? null,
        rangeTo: input.to ?? null,
      })
    })
  }

  /** Decodes one raw message again: a dead letter, after its cause was mended. */
  async function createForMessage(
    caller: Caller,
    message: { connectionId: string; partition: number; offset: number },
  ): Promise<Row<'replay'>> {
    return await as(caller).transaction(async (tx) => {
      await tx.get('connection', message.connectionId)
      return await requestReplay(tx, {
        kind: 'message',
        connectionId: message.connectionId,
        messagePartition: message.partition,
        messageOffset: message.offset,
      })
    })
  }

  return { create, createForMessage }
}
