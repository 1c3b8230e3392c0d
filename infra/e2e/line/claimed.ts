import type { Api, ConnectionMade } from './api.ts'
import type { Instance } from './instance.ts'
import { connect, native, publish } from './sender.ts'

/** A native device of a connection that speaks once, a day ago, and is claimed. @returns its id */
export async function claimed(
  instance: Instance,
  api: Api,
  place: { connection: ConnectionMade; siteId: string },
  name: string,
): Promise<string> {
  const client = await connect(instance, place.connection)
  await publish(client, native(name, Date.now() - 86_400_000, { ac_power_w: 1 }))
  await client.endAsync()
  return await api.claim(await api.unclaimed(place.connection.id, name), place.siteId)
}
