/** Thirty days of history through the ordinary import, in the background. */
import type { Client } from '../cli/client.ts'
import type { Settings } from '../settings.ts'
import { behavioursOf, historyStart } from './behaviour.ts'
import { type DemoState, planOf, writeDemo } from './seed.ts'

const STEP_MS = 300_000
const CHUNK = 2_000
/** @param pause lets the instance breathe between two requests, milliseconds */
export async function importHistory(
  client: Client,
  settings: Settings,
  state: DemoState,
  stopped: () => boolean,
  pause = 20,
): Promise<void> {
  if (state.historyDone) return
  for (const connection of state.connections) {
    const { site, devices } = planOf(connection)
    for (const { device, metricsAt } of behavioursOf(site, devices, state.seededAt)) {
      const target = state.devices[device.serial]!
      let readings: object[] = []
      const send = async (): Promise<void> => {
        if (readings.length > 0)
          await client.call('POST', '/api/v1/imports', { readings }, { tenantId: target.tenantId })
        readings = []
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
      for (let ts = historyStart(state.seededAt); ts < state.seededAt; ts += STEP_MS) {
        if (stopped()) return
        readings.push({ deviceId: target.id, ts, metrics: metricsAt(ts) })
        if (readings.length >= CHUNK) await send()
      }
      await send()
    }
  }
  writeDemo(settings, { ...state, historyDone: true })
}
