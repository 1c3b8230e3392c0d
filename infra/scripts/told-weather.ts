/** A weather service of Open-Meteo's shape on this machine, for the page tests: of every place the same, hour by hour up to now. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const HOUR_S = 3_600
const HOURS = 30

/** @returns where it is asked; wind it leaves out */
export async function toldWeather(): Promise<{ url: string; stop(): void }> {
  const server = createServer((_request, response) => {
    const now = Math.floor(Date.now() / 1_000 / HOUR_S) * HOUR_S
    const time = Array.from({ length: HOURS }, (_, index) => now - (HOURS - 1 - index) * HOUR_S)
    const hourly = {
      time,
      shortwave_radiation: time.map(() => 456),
      temperature_2m: time.map(() => 12.3),
      wind_speed_10m: time.map(() => null),
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ hourly }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/forecast`,
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}
