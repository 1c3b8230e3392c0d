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

export function createClaims({ db }: CrmDeps) {
  /**
   * Says whose an unclaimed device is: makes the device (or takes the one named), links it, and asks for a replay of its raw
   * history, all in one transaction. `device.upserted` comes before `replay.requested`, so every decoder knows the link when
   * the replay begins.
   */
  async function claim(caller: Caller, unclaimedId: string, input: Claim): Promise<Claimed> {
    return await db.as(narrowCaller(caller, 'device:claim')).transaction(async (tx) => {
      const found = await tx.get('unclaimed', unclaimedId)
      await tx.get('site', input.siteId)
      const { connectionId, externalId } = found
      const device =
        input.deviceId === undefined ? await newDevice(tx, found, input) : await tx.get('device', input.deviceId)
      if (device.siteId !== input.siteId) throw new ProblemError('conflict', 'That device stands at another site')
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

  async function newDevice(tx: WriteTx, found: Row<'unclaimed'>, input: Claim): Promise<Row<'device'>> {
    const told = found.attributes
    return await createDeviceRows(tx, {
      siteId: input.siteId,
      kind: input.kind ?? told.kind ?? 'inverter',
      vendor: found.vendor,
      serial: (found.serial ?? found.externalId).slice(0, 200),
      ...(input.name === undefined && told.name === undefined
        ? {}
        : { name: (input.name ?? told.name!).slice(0, 200) }),
      ...(input.role === undefined ? {} : { role: input.role }),
      ...(told.model === undefined ? {} : { model: told.model.slice(0, 200) }),
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
