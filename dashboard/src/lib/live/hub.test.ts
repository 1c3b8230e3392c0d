import { describe, expect, it } from 'vitest'
import type { LiveClientFrame, LiveUpdate } from '@heliograph/crm-core/contracts'
import { backOff, FIRST_WAIT_MS, LONGEST_WAIT_MS } from './back-off.ts'
import { LiveHub, parseFrame, SILENCE_LIMIT_MS, type LiveStatus, type SocketLike } from './hub.ts'

class TestSocket implements SocketLike {
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  onerror: (() => void) | null = null
  sent: LiveClientFrame[] = []
  closed = false
  send(text: string): void {
    this.sent.push(JSON.parse(text) as LiveClientFrame)
  }
  close(): void {
    this.closed = true
  }
  tell(frame: unknown): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) })
  }
}

/** A hub whose clock, timers and frames the test moves. */
function setUp() {
  let now = 0
  const sockets: TestSocket[] = []
  const timers: { at: number; run: () => void; off: boolean }[] = []
  let frames: (() => void)[] = []
  const statuses: LiveStatus[] = []
  let signedOut = 0
  const hub = new LiveHub({
    connect: () => {
      const socket = new TestSocket()
      sockets.push(socket)
      return socket
    },
    now: () => now,
    random: () => 1,
    after: (ms, run) => {
      const timer = { at: now + ms, run, off: false }
      timers.push(timer)
      return () => {
        timer.off = true
      }
    },
    onFrame: (run) => frames.push(run),
    onStatus: (status) => statuses.push(status),
    onSignedOut: () => signedOut++,
  })
  return {
    hub,
    sockets,
    statuses,
    get signedOut() {
      return signedOut
    },
    get framesAsked() {
      return frames.length
    },
    paint() {
      const due = frames
      frames = []
      for (const run of due) run()
    },
    pass(ms: number) {
      now += ms
      for (const timer of timers.filter((one) => !one.off && one.at <= now)) {
        timer.off = true
        timer.run()
      }
    },
  }
}
const entry = (key: string, ts: number, value: unknown = ts): LiveUpdate => ({ key, ts, value })
function collect() {
  const passes: { entries: LiveUpdate[]; whole: boolean }[] = []
  const errors: string[] = []
  return {
    passes,
    errors,
    handlers: {
      apply: (entries: readonly LiveUpdate[], whole: boolean) => passes.push({ entries: [...entries], whole }),
      error: (code: string) => errors.push(code),
    },
  }
}

describe('the live hub', () => {
  it('opens one socket for all topics and asks once it is open', () => {
    const test = setUp()
    test.hub.subscribe({ topic: 'fleet' }, collect().handlers)
    test.hub.subscribe({ topic: 'site:abc', keys: ['x'] }, collect().handlers)
    expect(test.sockets).toHaveLength(1)
    expect(test.sockets[0]!.sent).toEqual([])
    test.sockets[0]!.onopen?.()
    expect(test.sockets[0]!.sent.map((frame) => 'topic' in frame && frame.topic)).toEqual(['fleet', 'site:abc'])
    test.hub.subscribe({ topic: 'alarms' }, collect().handlers)
    expect(test.sockets[0]!.sent).toHaveLength(3)
  })

  it('applies a burst in one pass per frame, the latest value of each key', () => {
    const test = setUp()
    const got = collect()
    test.hub.subscribe({ topic: 'fleet' }, got.handlers)
    const socket = test.sockets[0]!
    socket.onopen?.()
    const id = (socket.sent[0] as { id: string }).id
    socket.tell({ type: 'snapshot', id, data: [entry('site:a', 1), entry('site:b', 1)], cursor: 'c1' })
    for (let ts = 2; ts < 50; ts++)
      socket.tell({ type: 'update', id, data: [entry('site:a', ts)], cursor: `c${String(ts)}` })
    expect(got.passes).toEqual([])
    expect(test.framesAsked).toBe(1)
    test.paint()
    expect(got.passes).toEqual([{ entries: [entry('site:a', 49), entry('site:b', 1)], whole: true }])
    socket.tell({ type: 'update', id, data: [entry('site:b', 60)], cursor: 'c60' })
    test.paint()
    expect(got.passes[1]).toEqual({ entries: [entry('site:b', 60)], whole: false })
  })

  it('never lets an older value replace a newer one', () => {
    const test = setUp()
    const got = collect()
    test.hub.subscribe({ topic: 'fleet' }, got.handlers)
    const socket = test.sockets[0]!
    socket.onopen?.()
    const id = (socket.sent[0] as { id: string }).id
    socket.tell({ type: 'snapshot', id, data: [entry('site:a', 100)], cursor: 'c1' })
    socket.tell({ type: 'update', id, data: [entry('site:a', 99)], cursor: 'c2' })
    test.paint()
    socket.tell({ type: 'update', id, data: [entry('site:a', 50)], cursor: 'c3' })
    test.paint()
    expect(got.passes).toEqual([{ entries: [entry('site:a', 100)], whole: true }])
  })

  it('reconnects with growing waits and resumes by cursor', () => {
    const test = setUp()
    const got = collect()
    test.hub.subscribe({ topic: 'fleet' }, got.handlers)
    test.sockets[0]!.onopen?.()
    const id = (test.sockets[0]!.sent[0] as { id: string }).id
    test.sockets[0]!.tell({ type: 'snapshot', id, data: [], cursor: 'epoch-7' })
    test.paint()
    expect(test.hub.status).toBe('connected')
    test.sockets[0]!.onclose?.({ code: 1006 })
    expect(test.hub.status).toBe('reconnecting')
    test.pass(FIRST_WAIT_MS - 1)
    expect(test.sockets).toHaveLength(1)
    test.pass(1)
    expect(test.sockets).toHaveLength(2)
    test.sockets[1]!.onclose?.({ code: 1006 })
    test.pass(FIRST_WAIT_MS)
    expect(test.sockets).toHaveLength(2)
    test.pass(FIRST_WAIT_MS)
    expect(test.sockets).toHaveLength(3)
    test.sockets[2]!.onopen?.()
    expect(test.sockets[2]!.sent).toEqual([{ type: 'subscribe', id, topic: 'fleet', cursor: 'epoch-7' }])
    expect(test.statuses).toEqual(['connecting', 'connected', 'reconnecting'])
    // What was missed comes as updates: nothing is thrown away.
    test.sockets[2]!.tell({ type: 'update', id, data: [entry('site:a', 5)], cursor: 'epoch-8' })
    test.paint()
    expect(got.passes.at(-1)).toEqual({ entries: [entry('site:a', 5)], whole: false })
    expect(test.hub.status).toBe('connected')
  })

  it('waits for the person when the session has ended', () => {
    const test = setUp()
    test.hub.subscribe({ topic: 'fleet' }, collect().handlers)
    test.sockets[0]!.onopen?.()
    test.sockets[0]!.onclose?.({ code: 4401 })
    expect([test.hub.status, test.signedOut]).toEqual(['signed-out', 1])
    test.pass(LONGEST_WAIT_MS * 10)
    expect(test.sockets).toHaveLength(1)
    test.hub.resume()
    expect(test.sockets).toHaveLength(2)
  })

  it('forgets its cursors when a right was taken away', () => {
    const test = setUp()
    test.hub.subscribe({ topic: 'fleet' }, collect().handlers)
    test.sockets[0]!.onopen?.()
    const id = (test.sockets[0]!.sent[0] as { id: string }).id
    test.sockets[0]!.tell({ type: 'snapshot', id, data: [], cursor: 'c1' })
    test.sockets[0]!.onclose?.({ code: 4403 })
    test.pass(FIRST_WAIT_MS)
    test.sockets[1]!.onopen?.()
    expect(test.sockets[1]!.sent).toEqual([{ type: 'subscribe', id, topic: 'fleet' }])
  })

  it('gives up a line that has been silent for too long', () => {
    const test = setUp()
    test.hub.subscribe({ topic: 'fleet' }, collect().handlers)
    test.sockets[0]!.onopen?.()
    test.pass(SILENCE_LIMIT_MS - 1)
    test.sockets[0]!.tell({ type: 'ping' })
    test.pass(SILENCE_LIMIT_MS - 1)
    expect(test.sockets[0]!.closed).toBe(false)
    test.pass(1)
    expect(test.sockets[0]!.closed).toBe(true)
    expect(test.hub.status).toBe('reconnecting')
  })

  it('keeps the line over a change of page and closes it after the last subscription', () => {
    const test = setUp()
    const stop = test.hub.subscribe({ topic: 'fleet' }, collect().handlers)
    test.sockets[0]!.onopen?.()
    stop()
    test.hub.subscribe({ topic: 'alarms' }, collect().handlers)
    test.pass(60_000)
    expect(test.sockets).toHaveLength(1)
    expect(test.sockets[0]!.closed).toBe(false)
    test.hub.stop()
    expect(test.sockets[0]!.closed).toBe(true)
    expect(test.hub.status).toBe('idle')
  })

  it('tells errors to whom they belong and survives nonsense', () => {
    const test = setUp()
    const got = collect()
    test.hub.subscribe({ topic: 'site:x' }, got.handlers)
    const socket = test.sockets[0]!
    socket.onopen?.()
    const id = (socket.sent[0] as { id: string }).id
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{"type":"update"}',
      '{"type":"update","id":"nobody","data":[],"cursor":"c"}',
    ])
      socket.tell(text)
    socket.tell({ type: 'error', id, code: 'not_found' })
    test.paint()
    expect(got.errors).toEqual(['not_found'])
    expect(got.passes).toEqual([])
  })
})

it('frames: entries that are none are left out', () => {
  const text = JSON.stringify({
    type: 'update',
    id: 'a',
    cursor: 'c',
    data: [{ key: 'k', ts: 1, value: 2 }, { key: 5 }, null, 'x'],
  })
  expect(parseFrame(text)).toEqual({ type: 'update', id: 'a', cursor: 'c', data: [{ key: 'k', ts: 1, value: 2 }] })
})

it('back-off doubles up to its limit and is spread', () => {
  expect([0, 1, 2, 20].map((attempt) => backOff(attempt, 1))).toEqual([500, 1000, 2000, LONGEST_WAIT_MS])
  expect(backOff(3, 0)).toBe(2000)
})
