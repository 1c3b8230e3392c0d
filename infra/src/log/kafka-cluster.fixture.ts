/** For tests: several brokers that copy each other's records and are their own controllers, each to be killed by itself. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokerCommand, service } from '../../services/engines/kafka.ts'
import { createInstance, type Instance } from '../../services/instance.ts'
import type { Place } from '../../services/service.ts'
import { freePort } from '../process/free-port.ts'

export interface KafkaCluster {
  /** By their ids, which begin at 1. */
  brokers: ReadonlyMap<number, Instance>
  /** As the setting takes it: names the first broker alone, the others are learned of. */
  url(): string
  remove(): Promise<void>
}

/** Started; each broker holds a copy of every topic that asks for as many. */
export async function startKafkaCluster(size = 3): Promise<KafkaCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-kafka-cluster-'))
  const controllers = new Map<number, number>()
  for (let id = 1; id <= size; id++) controllers.set(id, await freePort())
  const voters = [...controllers].map(([id, port]) => `${id}@127.0.0.1:${port}`).join(',')

  const brokerOf = (id: number): Instance =>
    createInstance(
      {
        ...service,
        run: {
          ...service.run!,
          ports: ['plain'],
          reserved: [],
          command: (place: Place) =>
            brokerCommand(place, configuration(id, place.port('plain'), controllers.get(id)!, voters), {
              heap: ['-Xms128m', '-Xmx384m'],
            }),
          readyMs: 120_000,
        },
      },
      join(folder, String(id)),
    )
  const brokers = new Map([...controllers.keys()].map((id) => [id, brokerOf(id)]))
  const remove = async (): Promise<void> => {
    await Promise.all([...brokers.values()].map((broker) => broker.kill()))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    // Together: one alone has no majority to answer with.
    await Promise.all([...brokers.values()].map((broker) => broker.start()))
  } catch (error) {
    await remove()
    throw error
  }
  return {
    brokers,
    url: () => `kafka://127.0.0.1:${brokers.get(1)!.port('plain')}`,
    remove,
  }
}

function configuration(id: number, port: number, controller: number, voters: string) {
  return {
    'node.id': id,
    'controller.quorum.voters': voters,
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'offsets.topic.replication.factor': 3,
    'transaction.state.log.replication.factor': 3,
    // A broker that is gone is noticed within the time of a test.
    'broker.session.timeout.ms': 6_000,
    'replica.lag.time.max.ms': 6_000,
  }
}
