import { afterEach, describe, expect, it, vi } from 'vitest'
import { takeFirst } from './first-answers.ts'
import { firstRequests } from './first-requests.ts'

describe('what a page asks first', () => {
  it('is who is there, and then what the page is about', () => {
    expect(firstRequests('/settings', '')).toEqual(['/api/v1/me'])
    expect(firstRequests('/tickets', '')).toEqual(['/api/v1/me', '/api/v1/tickets?open=true&sort=-createdAt&limit=100'])
    expect(firstRequests('/data', '')).toEqual(['/api/v1/me', '/api/v1/connections?sort=name&limit=200'])
    expect(firstRequests('/devices/d-1', '?tab=raw')).toEqual([
      '/api/v1/me',
      '/api/v1/devices/d-1',
      '/api/v1/devices/d-1/latest',
    ])
  })
  it('is left to the page where the address narrows it, or is none of ours', () => {
    expect(firstRequests('/tickets', '?mine=1')).toEqual(['/api/v1/me'])
    expect(firstRequests('/sites/%2e%2e', '')).toEqual(['/api/v1/me'])
    expect(firstRequests(`/sites/${'a'.repeat(65)}`, '')).toEqual(['/api/v1/me'])
    expect(firstRequests('/sites/"><script>', '')).toEqual(['/api/v1/me'])
  })
})

describe('an answer to it', () => {
  afterEach(() => vi.unstubAllGlobals())
  it('is handed out once', async () => {
    const answer = new Response('{}')
    vi.stubGlobal('window', { helioFirst: { '/api/v1/me': Promise.resolve(answer) } })
    expect(await takeFirst('/api/v1/sites')).toBeUndefined()
    expect(await takeFirst('/api/v1/me')).toBe(answer)
    expect(await takeFirst('/api/v1/me')).toBeUndefined()
  })
  it('that is old is asked for anew', async () => {
    vi.stubGlobal('window', { helioFirst: { '/api/v1/me': Promise.resolve(new Response('{}')) } })
    vi.stubGlobal('performance', { now: () => 60_000 })
    expect(await takeFirst('/api/v1/me')).toBeUndefined()
  })
})
