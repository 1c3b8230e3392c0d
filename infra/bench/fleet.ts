/** A fleet of simulated devices for benchmarks of roles apart: loadtest's own simulator, by the address of an edge. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Api, ConnectionMade, UnclaimedItem } from '../e2e/line/api.ts'
import { until } from '../e2e/line/until.ts'
import { check } from './measure.ts'

const [SITES, DEVICES, SEED] = [20, 200, 42]
export const loadtest = (path: string): string => new URL(`../../loadtest/src/${path}`, import.meta.url).pathname

export class BenchFleet {
  readonly #mqttPort: number
  readonly #connection: ConnectionMade

  private constructor(mqttPort: number, connection: ConnectionMade) {
    this.#mqttPort = mqttPort
    this.#connection = connection
  }

  /** Every device has spoken once and is claimed. */
  static async make(api: Api, mqttPort: number): Promise<BenchFleet> {
    const fleet = new BenchFleet(mqttPort, await api.connection())
    await fleet.send(DEVICES, 2)
    await fleet.#claim(api)
    return fleet
  }

  /** @throws Error where something was not sent in time, or not acknowledged */
  async send(rate: number, seconds: number): Promise<void> {
    check('exit code of the sender', await this.offer(rate, seconds), 0)
  }
  /** More than is taken is left out. @returns the sender's exit code: 0 when nothing was */
  async offer(rate: number, seconds: number): Promise<number> {
    const child = spawn(
      process.execPath,
      [
        loadtest('simulate.ts'),
        ...['--mqtt', `mqtt://127.0.0.1:${this.#mqttPort}`],
        ...['--username', this.#connection.username, '--password', this.#connection.secret],
        ...['--devices', String(DEVICES), '--connections', '100', '--seed', String(SEED)],
        ...['--rate', String(rate), '--seconds', String(seconds), '--json', '--quiet'],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    const [code] = (await once(child, 'close')) as [number]
    return code
  }

  async #claim(api: Api): Promise<void> {
    const sites: string[] = []
    const customer = await api.customer()
    for (let index = 0; index < SITES; index++) sites.push(await api.site(customer, { name: `Site ${index}` }))
    const items = await until(
      'all devices among the unclaimed',
      async () => {
        const found = await api.all<UnclaimedItem>(`/unclaimed?connectionId=${this.#connection.id}`)
        return found.length === DEVICES ? found : undefined
      },
      60_000,
      500,
    )
    let last = ''
    for (const [index, { id }] of items.entries()) {
      const body = { siteId: sites[index % SITES], kind: 'inverter', role: 'production' }
      last = (await api.post<{ replayId: string }>(`/unclaimed/${id}/claim`, body)).replayId
    }
    await api.replayed(last)
  }
}
