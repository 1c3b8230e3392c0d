/** Roles apart on shared engines, kept as a service manager would keep them: two edges, two workers, an API. */
import { expect } from 'vitest'
import { freePort } from '../../src/process/free-port.ts'
import { good } from '../cli/command.ts'
import { Api, type ConnectionMade } from './api.ts'
import { claimed } from './claimed.ts'
import { expectConserved } from './conserved.ts'
import { ADMIN, type Instance } from './instance.ts'
import { RoleProcess } from './roles.ts'
import { Load } from './sender.ts'
import { until } from './until.ts'

const AT_WORK_MS = 180_000

export class KeptRoles {
  readonly roles: readonly RoleProcess[]
  readonly #httpPort: number
  readonly #edgePorts: readonly number[]

  private constructor(roles: RoleProcess[], httpPort: number, edgePorts: number[]) {
    this.roles = roles
    this.#httpPort = httpPort
    this.#edgePorts = edgePorts
  }

  /** @param engines settings of the engines that all roles share */
  static async start(engines: Record<string, string>): Promise<KeptRoles> {
    const httpPort = await freePort()
    const edgePorts = [await freePort(), await freePort()]
    const env = { ...engines, HELIO_HTTP_PORT: String(httpPort) }
    const api = new RoleProcess('api', env)
    const edges = edgePorts.map((port) => new RoleProcess('ingest', { ...env, HELIO_MQTT_PORT: String(port) }))
    const workers = [0, 1].map(() => new RoleProcess('stream', env))
    const line = new KeptRoles([api, ...edges, ...workers], httpPort, edgePorts)
    try {
      await line.keep(api)
      await Promise.all([...edges, ...workers].map((role) => line.keep(role)))
    } catch (error) {
      await line.remove()
      throw error
    }
    return line
  }

  /** Starts a role, and again whenever it ends by itself because an engine is away. */
  async keep(role: RoleProcess): Promise<void> {
    role.spawn()
    role.keep()
    await until(`${role.name} at work`, () => role.isAtWork || role.isStandingBy, AT_WORK_MS)
  }
  signIn(): Promise<Api> {
    return until('the API', () => Api.signIn(`http://127.0.0.1:${this.#httpPort}`, ADMIN), 120_000)
  }
  /** What a device needs of one edge. */
  through(edge: number): Instance {
    return {
      url: `http://127.0.0.1:${this.#httpPort}`,
      mqttUrl: `mqtt://127.0.0.1:${this.#edgePorts[edge]}`,
    } as Instance
  }

  /** A claimed device at each edge that sends as fast as it is acknowledged. */
  async load(client: Api): Promise<{ devices: string[]; loads: Load[] }> {
    const connection: ConnectionMade = await client.connection()
    const siteId = await client.site()
    const names = this.#edgePorts.map((_, edge) => `edge-${edge}`)
    const devices = await Promise.all(
      names.map((device, edge) => claimed(this.through(edge), client, { connection, siteId }, device)),
    )
    const loads = names.map((device, edge) =>
      new Load({
        instance: this.through(edge),
        connection,
        device,
        firstTs: Date.now() - 3_600_000,
        inFlight: 4,
      }).start(),
    )
    return { devices, loads }
  }

  /** When it is quiet again: sent = acknowledged = stored, and `heliograph verify` finds nothing missing and no figure that differs. */
  async expectWhole(devices: readonly string[], loads: readonly Load[]): Promise<void> {
    const before = loads.map(({ acknowledged }) => acknowledged.size)
    try {
      await until(
        'more acknowledgements of both',
        () => loads.every(({ acknowledged }, edge) => acknowledged.size > before[edge]! + 50),
        120_000,
      )
      for (const load of loads) await load.stop(20_000)
      const client = await this.signIn()
      await client.drained()
      for (const [edge, load] of loads.entries())
        expectConserved(load, await client.readings(devices[edge]!, load.range.from, load.range.to))
      const { stdout } = await good(this.roles[0]!.dataDir, ['verify', '--json'])
      expect(JSON.parse(stdout)).toMatchObject({
        ok: true,
        rollups: { differences: 0 },
        log: { missing: 0, refused: 0 },
        deadLetters: { missing: 0 },
      })
    } catch (error) {
      console.error(await this.#howItStands(loads))
      throw error
    }
  }
  /** What a failure is understood by. */
  async #howItStands(loads: readonly Load[]): Promise<string> {
    const readyz = await fetch(`http://127.0.0.1:${this.#httpPort}/readyz`)
      .then((response) => response.text())
      .catch(String)
    const outputs = this.roles.map((role, index) => `-- ${role.name} ${index}\n${role.output.slice(-3_000)}`)
    return [readyz, this.told(loads), ...outputs].join('\n')
  }
  /** What came of it, in a line. */
  told(loads: readonly Load[]): string {
    const acknowledged = loads.map(({ acknowledged: some }) => some.size).join(' and ')
    return `acknowledged ${acknowledged}; ended by themselves ${this.roles.reduce((sum, { ended }) => sum + ended, 0)}x`
  }

  async remove(): Promise<void> {
    await Promise.all(this.roles.map((role) => role.remove()))
  }
}

/** Numbers in [0, 1) from a seed (mulberry32): a run that failed can be had once more. */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
