/** The services themselves: what starting, killing and stopping promise, on the quickest of them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ownService } from './for-tests.ts'
import { createInstance } from './instance.ts'

describe('a service', () => {
  let redis: Awaited<ReturnType<typeof ownService>> | undefined
  afterEach(() => redis?.remove())

  it('answers once it is up, is started once, and listens at the same place after it was killed', async () => {
    redis = await ownService('redis')
    const { service, logFile } = redis
    const pid = redis.pid()
    const url = redis.url()
    expect(await redis.answers()).toBe(true)
    await redis.start()
    expect(redis.pid()).toBe(pid)
    await redis.kill()
    expect([redis.pid(), await redis.answers()]).toEqual([undefined, false])
    await redis.start()
    expect(redis.url()).toBe(url)
    // Another command finds it by its files alone.
    const found = createInstance(service, dirname(logFile))
    expect(found.pid()).toBe(redis.pid())
    await found.stop()
    expect(redis.pid()).toBeUndefined()
    expect(existsSync(join(dirname(logFile), 'pid'))).toBe(false)
  })

  it('is never mistaken for another process that has its pid', async () => {
    redis = await ownService('redis')
    const stateFile = join(dirname(redis.logFile), 'state.json')
    const state = JSON.parse(readFileSync(stateFile, 'utf8')) as { pid: number; began: string }
    writeFileSync(stateFile, JSON.stringify({ ...state, pid: process.pid }))
    expect(redis.pid()).toBeUndefined()
    await redis.stop()
    writeFileSync(stateFile, JSON.stringify(state))
  })

  it('says what its log says when it ends at once', async () => {
    redis = await ownService('redis')
    const { service, logFile } = redis
    await redis.kill()
    const broken = createInstance(
      {
        ...service,
        run: { ...service.run!, command: async () => ({ program: 'sh', args: ['-c', 'echo no room; exit 1'] }) },
      },
      dirname(logFile),
    )
    await expect(broken.start()).rejects.toThrow(/redis ended at once[\s\S]*no room/)
  })
})
