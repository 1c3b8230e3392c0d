/** What the load scripts share: where the server is, and how hard to drive it. Arrivals are by the clock, whatever the server does. */
import type { ConstantArrivalRateScenario } from 'k6/options'

interface Profile {
  /** Iterations begun in a second. */
  rate: number
  seconds: number
  /** At once: what is due while all of them wait is dropped, and counted. */
  users: number
}
const PROFILES: Record<string, Profile> = {
  smoke: { rate: 20, seconds: 5, users: 10 },
  load: { rate: 200, seconds: 60, users: 100 },
  soak: { rate: 50, seconds: 3_600, users: 50 },
}

/** A setting of the script, by `-e NAME=value` or the environment; one that is missing ends it with its name. */
export function setting(name: string, otherwise?: string): string {
  const value = __ENV[name] ?? otherwise
  if (value === undefined) throw new Error(`set ${name}: k6 run -e ${name}=…`)
  return value
}

export const url = setting('HELIO_URL', 'http://127.0.0.1:8080')

/** Of `-e PROFILE=smoke|load|soak`. */
export function profile(): Profile {
  const name = setting('PROFILE', 'smoke')
  const found = PROFILES[name]
  if (!found) throw new Error(`PROFILE: there is no ${name}; known: ${Object.keys(PROFILES).join(', ')}`)
  return found
}
/** @param share of the profile's rate, for iterations that are more than one request */
export function arrivals(share = 1): ConstantArrivalRateScenario {
  const { rate, seconds, users } = profile()
  return {
    executor: 'constant-arrival-rate',
    rate: Math.max(1, Math.round(rate * share)),
    timeUnit: '1s',
    duration: `${seconds}s`,
    preAllocatedVUs: users,
  }
}
