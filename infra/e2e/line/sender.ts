/** Devices over real MQTT, and what they were told: only what was acknowledged counts as sent. */
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import type { ConnectionMade } from './api.ts'
import type { Instance } from './instance.ts'

export async function connect(
  instance: Instance,
  { username, secret }: Pick<ConnectionMade, 'username' | 'secret'>,
  options: IClientOptions = {},
): Promise<MqttClient> {
  return await mqtt.connectAsync(instance.mqttUrl, {
    username,
    password: secret,
    protocolVersion: 4,
    reconnectPeriod: 0,
    connectTimeout: 5_000,
    ...options,
  })
}

export const native = (device: string, ts: number, metrics: Record<string, unknown>, rest: object = {}): string =>
  JSON.stringify({ device, ts, metrics, ...rest })

export async function publish(client: MqttClient, body: string | Buffer, topic = 'readings'): Promise<void> {
  await client.publishAsync(topic, body, { qos: 1 })
}

/**
 * Sends readings with times of their own as fast as they are acknowledged, through cut connections and restarts, until
 * stopped. Resends what was not acknowledged, as devices do.
 */
export class Load {
  readonly acknowledged = new Set<number>()
  /** Offered, acknowledged or not: nothing else may be stored. */
  readonly offered = new Set<number>()
  readonly #instance: Instance
  readonly #connection: Pick<ConnectionMade, 'username' | 'secret'>
  readonly #device: string
  readonly #inFlight: number
  readonly #first: number
  #next: number
  #stopped = false
  #running: Promise<void>[] = []
  #client: MqttClient | undefined

  constructor(options: {
    instance: Instance
    connection: Pick<ConnectionMade, 'username' | 'secret'>
    device: string
    firstTs: number
    inFlight?: number
  }) {
    this.#instance = options.instance
    this.#connection = options.connection
    this.#device = options.device
    this.#inFlight = options.inFlight ?? 20
    this.#first = this.#next = options.firstTs
  }

  /** Times used so far: from inclusive, to exclusive. */
  get range(): { from: number; to: number } {
    return { from: this.#first, to: this.#next }
  }

  start(): this {
    this.#client = mqtt.connect(this.#instance.mqttUrl, {
      username: this.#connection.username,
      password: this.#connection.secret,
      clientId: this.#device,
      protocolVersion: 4,
      reconnectPeriod: 50,
      connectTimeout: 2_000,
      // An edge that cannot look a secret up now says so, and a device comes again.
      reconnectOnConnackError: true,
      queueQoSZero: false,
    })
    this.#client.on('error', () => undefined)
    for (let lane = 0; lane < this.#inFlight; lane++) this.#running.push(this.#send())
    return this
  }
  async #send(): Promise<void> {
    while (!this.#stopped) {
      const ts = this.#next++
      this.offered.add(ts)
      try {
        // Kept by the client until it is acknowledged, and sent again after a reconnect.
        await publish(this.#client!, native(this.#device, ts, { ac_power_w: ts % 10_000 }))
        this.acknowledged.add(ts)
      } catch {
        // The client was ended.
        return
      }
    }
  }
  /** Stops offering, waits for what is under way as long as it may take, and leaves. */
  async stop(graceMs = 3_000): Promise<void> {
    this.#stopped = true
    await Promise.race([Promise.all(this.#running), new Promise((resolve) => setTimeout(resolve, graceMs))])
    await this.#client!.endAsync(true)
    await Promise.all(this.#running)
  }
}
