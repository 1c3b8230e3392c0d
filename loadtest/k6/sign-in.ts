/** Signing in as a page does. `HELIO_EMAIL` and `HELIO_PASSWORD` say who. */
import { fail } from 'k6'
import http from 'k6/http'
import { setting, url } from './profile.ts'

/** @returns the cookie of a session, for `setup`: a sign-in for each user would measure the hash of passwords */
export function signIn(): string {
  const body = JSON.stringify({ email: setting('HELIO_EMAIL'), password: setting('HELIO_PASSWORD') })
  const answer = http.post(`${url}/api/v1/auth/login`, body, { headers: { 'content-type': 'application/json' } })
  if (answer.status !== 200) fail(`sign-in: ${answer.status} ${String(answer.body)}`)
  return Object.entries(answer.cookies)
    .map(([name, values]) => `${name}=${values[0]!.value}`)
    .join('; ')
}
