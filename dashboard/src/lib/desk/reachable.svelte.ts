/** What this server says of itself, asked for once. */
import { api } from '#lib/api/api.ts'
import type { MqttPorts } from './guide.ts'

class Server {
  mqtt = $state.raw<MqttPorts | null | undefined>(undefined)
  #asked: Promise<void> | undefined

  want(): void {
    if (this.#asked) return
    this.#asked = api.get<{ mqtt: MqttPorts | null }>('/page-settings').then(
      ({ mqtt }) => {
        this.mqtt = mqtt
      },
      () => {
        this.#asked = undefined
      },
    )
  }
}

export const server = new Server()
