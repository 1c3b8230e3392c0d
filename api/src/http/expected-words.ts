import { z } from 'zod'
import { idSchema, EXPECTED_SOURCES, EXPECTED_STATES, VERDICT_KINDS } from '@heliograph/crm-core/contracts'

/** A site against what it should give; a figure that is not measured is absent, never zero. */
export const expectedNowFields = {
  expectedPowerW: z.number().optional(),
  expectedLowW: z.number().optional(),
  expectedHighW: z.number().optional(),
  expectedSource: z.enum(EXPECTED_SOURCES).optional(),
  expectedTodayWh: z.number().optional(),
  comparedTodayWh: z.number().optional(),
  lossTodayWh: z.number().optional(),
  performanceToday: z.number().optional(),
  performanceNow: z.number().optional(),
  expectedState: z.enum(EXPECTED_STATES).optional(),
  underSince: z.number().optional(),
}

export const verdictSchema = z.object({
  kind: z.enum(VERDICT_KINDS),
  since: z.number().optional(),
  percent: z.number().optional(),
  deviceId: idSchema.optional(),
  deviceName: z.string().optional(),
  string: z.number().int().optional(),
  fault: z.string().optional(),
  source: z.enum(EXPECTED_SOURCES).optional(),
  producing: z.boolean().optional(),
  cause: z.literal('grid').optional(),
})
