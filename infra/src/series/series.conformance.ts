/** What every store of raw curves promises. Run by each engine's test file, unchanged. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CurveReading, CurveRequest, CurveSource, DeviceId, TenantId } from '@heliograph/crm-core/contracts'

export interface SeriesUnderTest {
  /** On storage of its own, empty. */
  create(): Promise<{
    source: CurveSource
    /** Stored and readable when it resolves. */
    write(readings: CurveReading[]): Promise<void>
    remove(): Promise<void>
  }>
}

const tenantId = 'ten_series' as TenantId
const deviceId = 'dev_series' as DeviceId
const MINUTE = 60_000

export function describeSeries(name: string, underTest: SeriesUnderTest): void {
  describe(`raw curves on ${name}`, () => {
    let series: Awaited<ReturnType<SeriesUnderTest['create']>>
    /** A whole minute, an hour ago. */
    let start: number
    beforeEach(async () => {
      series = await underTest.create()
      start = Math.floor(Date.now() / MINUTE - 60) * MINUTE
    })
    afterEach(() => series.remove())

    const reading = (ts: number, power: number, rest: Partial<CurveReading> = {}): CurveReading => ({
      tenantId,
      deviceId,
      ts,
      metrics: { ac_power_w: power },
      ...rest,
    })
    const curve = (request: Partial<CurveRequest> = {}) =>
      series.source.curve({
        tenantId,
        deviceId,
        metric: 'ac_power_w',
        from: start,
        to: start + 10 * MINUTE,
        stepMs: 1,
        ...request,
      })

    it('gives the values as they were, in order of time, to the millisecond', async () => {
      await series.write([reading(start + 1_001, 2), reading(start, 1.5), reading(start + 1_002, 0)])
      expect(await curve()).toEqual([
        { ts: start, avg: 1.5, min: 1.5, max: 1.5 },
        { ts: start + 1_001, avg: 2, min: 2, max: 2 },
        { ts: start + 1_002, avg: 0, min: 0, max: 0 },
      ])
    })

    it('tells of each step its mean, its extremes and when it began, and leaves out empty ones', async () => {
      await series.write([
        reading(start + 5_000, 10),
        reading(start + 10_000, 30),
        reading(start + 20_000, 20),
        reading(start + 3 * MINUTE + 1_000, 7),
      ])
      expect(await curve({ stepMs: MINUTE })).toEqual([
        { ts: start + 5_000, avg: 20, min: 10, max: 30 },
        { ts: start + 3 * MINUTE + 1_000, avg: 7, min: 7, max: 7 },
      ])
    })

    it('counts steps from the beginning of the window, which is inclusive, and its end is not', async () => {
      await series.write([reading(start + 500, 1), reading(start + 10_500, 3), reading(start + 20_500, 5)])
      expect(await curve({ from: start + 500, to: start + 20_500, stepMs: 20_000 })).toEqual([
        { ts: start + 500, avg: 2, min: 1, max: 3 },
      ])
    })

    it('keeps one value per device and instant: the later one', async () => {
      await series.write([reading(start, 1)])
      await series.write([reading(start, 2)])
      await series.write([reading(start, 2)])
      expect(await curve()).toEqual([{ ts: start, avg: 2, min: 2, max: 2 }])
    })

    it('knows nothing of other tenants, devices and metrics', async () => {
      await series.write([
        reading(start, 1),
        reading(start, 100, { tenantId: 'ten_other' as TenantId }),
        reading(start, 200, { deviceId: 'dev_other' as DeviceId }),
        reading(start + 1, 0, { metrics: { dc_power_w: 300 } }),
      ])
      expect(await curve()).toEqual([{ ts: start, avg: 1, min: 1, max: 1 }])
      expect(await curve({ tenantId: 'ten_nobody' as TenantId })).toEqual([])
      expect(await curve({ metric: 'dc_power_w' })).toEqual([{ ts: start + 1, avg: 300, min: 300, max: 300 }])
    })

    it('refuses an id that is made to look like a question', async () => {
      await series.write([reading(start, 1)])
      await expect(curve({ deviceId: `x" or r.device != "` as DeviceId })).rejects.toThrow('not an id')
      await expect(curve({ tenantId: `x' OR '1' = '1` as TenantId })).rejects.toThrow('not an id')
    })
  })
}
