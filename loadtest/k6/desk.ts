/**
 * What the pages of support ask for: `k6 run -e HELIO_EMAIL=… -e HELIO_PASSWORD=… loadtest/k6/desk.ts`. Each iteration looks at the
 * fleet, at one of its sites with its day, at the alarms and at the tickets.
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import type { Options } from 'k6/options'
import { arrivals, url } from './profile.ts'
import { signIn } from './sign-in.ts'

const DAY_MS = 86_400_000
/** Seven requests at most each, of one person, who may ask a hundred times a second. */
const SHARE = 0.05

export const options: Options = {
  scenarios: { desk: arrivals(SHARE) },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'http_req_duration{page:fleet}': ['p(95)<1000'],
    'http_req_duration{page:site}': ['p(95)<1000'],
    dropped_iterations: ['count==0'],
  },
}

interface Signed {
  cookie: string
  siteIds: string[]
}
interface Listed {
  items: { id: string }[]
}

export function setup(): Signed {
  const cookie = signIn()
  const sites = http.get(`${url}/api/v1/sites?limit=100`, { headers: { cookie } })
  return { cookie, siteIds: (JSON.parse(String(sites.body)) as Listed).items.map(({ id }) => id) }
}

export default function look({ cookie, siteIds }: Signed): void {
  const siteId = siteIds[exec.scenario.iterationInTest % siteIds.length]
  const ask = (page: string, path: string) => {
    const response = http.get(`${url}/api/v1/${path}`, { headers: { cookie }, tags: { page, name: page } })
    check(response, { [`${page} answers`]: ({ status }) => status === 200 })
  }
  ask('fleet', 'fleet/facts')
  ask('sites', 'sites?limit=50')
  if (siteId !== undefined) {
    const [from, to] = [Date.now() - DAY_MS, Date.now()]
    ask('site', `sites/${siteId}`)
    ask('live', `sites/${siteId}/live`)
    ask('curve', `series?scope=site:${siteId}&metric=ac_power_w&from=${from}&to=${to}`)
  }
  ask('alarms', 'alarms?limit=50')
  ask('tickets', 'tickets?limit=50')
}
