/**
 * A weather service of Open-Meteo's shape: `GET {url}?latitude=…&longitude=…&hourly=…`, answering columns of hours. Irradiance is the
 * mean of the hour before its time, so the hour begins one before it.
 */
import { z } from 'zod'
import type { WeatherService } from '@heliograph/crm-core/contracts'

const HOUR_S = 3_600
const TIMEOUT_MS = 10_000
const MAX_BYTES = 1_000_000
const PAST_DAYS = 2

const column = z.array(z.number().nullable()).max(2_000)
const answerSchema = z.object({
  hourly: z.object({
    time: z.array(z.number().int()).max(2_000),
    shortwave_radiation: column,
    temperature_2m: column.optional(),
    wind_speed_10m: column.optional(),
  }),
})

/** @param options url of the forecast resource, as of `HELIO_WEATHER_URL`; parameters in it (a key) are kept */
export function createHttpWeather(options: { url: string; timeoutMs?: number }): WeatherService {
  return {
    async recent({ latitude, longitude }) {
      const url = new URL(options.url)
      const ask = {
        // No more of the place than the service's grid needs.
        latitude: latitude.toFixed(2),
        longitude: longitude.toFixed(2),
        hourly: 'shortwave_radiation,temperature_2m,wind_speed_10m',
        past_days: String(PAST_DAYS),
        forecast_days: '1',
        timeformat: 'unixtime',
        timezone: 'GMT',
        wind_speed_unit: 'ms',
      }
      for (const [name, value] of Object.entries(ask)) url.searchParams.set(name, value)
      const response = await fetch(url, {
        redirect: 'error',
        signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
        headers: { accept: 'application/json' },
      })
      if (!response.ok) {
        await response.body?.cancel()
        throw new Error(`the weather service answered ${response.status}`)
      }
      const { hourly } = answerSchema.parse(JSON.parse(await textOf(response)))
      return hourly.time.flatMap((time, index) => {
        const ghi = hourly.shortwave_radiation[index]
        const ambient = hourly.temperature_2m?.[index]
        const wind = hourly.wind_speed_10m?.[index]
        if (ghi === null || ghi === undefined || ghi < 0 || ghi > 2_000) return []
        return [
          {
            ts: (time - HOUR_S) * 1_000,
            ghiWm2: ghi,
            ...(ambient !== null && ambient !== undefined && { ambientC: ambient }),
            ...(wind !== null && wind !== undefined && { windMs: wind }),
          },
        ]
      })
    },
  }
}

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array
    size += bytes.length
    if (size > MAX_BYTES) throw new Error(`the weather service answered more than ${MAX_BYTES} bytes`)
    text += decoder.decode(bytes, { stream: true })
  }
  return text + decoder.decode()
}
