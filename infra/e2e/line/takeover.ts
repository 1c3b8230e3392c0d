/** How far a line of several workers is behind, and who decodes what: watched while one of them is killed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AssignerProtocol, Kafka, logLevel } from 'kafkajs'
import type { Api } from './api.ts'

/**
 * How many partitions of `raw` each decoder has.
 * @param address of the cluster as the setting takes it, its path the prefix of topics
 */
export async function sharesOfRaw({ host, pathname }: URL): Promise<number[]> {
  const admin = new Kafka({ brokers: [host], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const { groups } = await admin.describeGroups([`${pathname.slice(1)}.raw.decode`])
    return groups.flatMap(({ members }) =>
      members.map(({ memberAssignment }) => {
        const assigned = AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {}
        return Object.values(assigned).flat().length
      }),
    )
  } finally {
    await admin.disconnect()
  }
}

/** Messages to decode and readings to store; undefined while nobody can tell. */
export async function lagOf(api: Api): Promise<number | undefined> {
  const { parts } = await api.ready()
  const found = ['decode', 'store'].map((part) => parts.find(({ name }) => name === part)?.lag ?? undefined)
  return found.some((lag) => lag === undefined) ? undefined : found.reduce<number>((sum, lag) => sum + lag!, 0)
}
/** Of some time, look by look. */
export async function lags(api: Api, milliseconds: number): Promise<number[]> {
  const found: number[] = []
  for (const end = Date.now() + milliseconds; Date.now() < end; await sleep(250)) found.push((await lagOf(api)) ?? 0)
  return found
}
