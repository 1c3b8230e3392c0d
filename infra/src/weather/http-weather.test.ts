import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createHttpWeather } from './http-weather.ts'

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})
async function serving(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stops.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/forecast?apikey=k`
}
const hours = {
  hourly_units: { shortwave_radiation: 'W/m²' },
  hourly: {
    time: [1_782_036_000, 1_782_039_600, 1_782_043_200],
    shortwave_radiation: [410.5, null, 9_999],
    temperature_2m: [21.4, 22, null],
    wind_speed_10m: [null, 3, 2],
  },
}

describe('a weather service of Open-Meteo’s shape', () => {
  it('is asked for hours of a coarse place and read as hours that begin', async () => {
    let asked: URL | undefined
    const url = await serving((request, response) => {
      asked = new URL(request.url!, 'http://x')
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(hours))
    })
    const found = await createHttpWeather({ url }).recent({ latitude: 48.137_15, longitude: 11.576_12 })
    // Irradiance is the mean of the hour before; what is absent or impossible is no hour.
    expect(found).toEqual([{ ts: (1_782_036_000 - 3_600) * 1_000, ghiWm2: 410.5, ambientC: 21.4 }])
    expect(Object.fromEntries(asked!.searchParams)).toMatchObject({
      apikey: 'k',
      latitude: '48.14',
      longitude: '11.58',
      hourly: 'shortwave_radiation,temperature_2m,wind_speed_10m',
      timeformat: 'unixtime',
      wind_speed_unit: 'ms',
    })
  })
  it.each<[string, (response: ServerResponse) => void]>([
    ['an error', (response) => response.writeHead(503).end()],
    ['another shape', (response) => response.end('{"hourly": 5}')],
    ['no JSON', (response) => response.end('<html>')],
    ['too much', (response) => response.end('x'.repeat(1_100_000))],
    ['a redirect', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['nothing in time', () => undefined],
  ])('%s is an error for the caller', async (_, answer) => {
    const url = await serving((_request, response) => answer(response))
    await expect(createHttpWeather({ url, timeoutMs: 300 }).recent({ latitude: 1, longitude: 2 })).rejects.toThrow()
  })
})
