/** One plain sentence about a site, as data. What is not measured is said so; a clear sky alone never judges. */
import type { ExpectedNow, SiteVerdict } from '@heliograph/crm-core/contracts'
import { median } from './expected.ts'

export interface VerdictInput {
  night: boolean
  /** Whether anything was ever heard, is heard now, or is silent. */
  contact: 'never' | 'lost' | 'some'
  lastSeenAt?: number
  producing: boolean
  faults: readonly { deviceId: string; deviceName: string; code: string; text?: string; since: number }[]
  /** A device is told to give less, now. */
  limited: boolean
  expected: ExpectedNow
  /** Dead DC inputs, counted from 1. */
  deadStrings: readonly { deviceId: string; deviceName: string; string: number }[]
  /** Inverters that are heard, with their power over their rating. */
  inverters: readonly { deviceId: string; deviceName: string; share: number }[]
  /** Sites around it were lost at the same time. */
  lostTogether?: boolean
}

/** An inverter below this share of its siblings is a likely cause. */
const WEAK = 0.8
/** Siblings must give at least this share of their rating. */
const ENOUGH = 0.05

export function verdict(input: VerdictInput): SiteVerdict {
  const { contact, night, faults, expected, producing } = input
  if (contact === 'never') return { kind: 'never-heard' }
  if (contact === 'lost')
    return night
      ? { kind: 'night' }
      : {
          kind: 'no-contact',
          ...(input.lastSeenAt !== undefined && { since: input.lastSeenAt }),
          ...(input.lostTogether && { cause: 'grid' as const }),
        }
  const [fault] = [...faults].sort((a, b) => a.since - b.since)
  if (fault)
    return {
      kind: 'fault',
      since: fault.since,
      deviceId: fault.deviceId,
      deviceName: fault.deviceName,
      fault: fault.text ? `${fault.code}, ${fault.text}` : fault.code,
      producing,
    }
  if (night) return { kind: 'night' }
  const basis = { producing, ...(expected.expectedSource && { source: expected.expectedSource }) }
  if (input.limited || expected.expectedState === 'curtailed') return { kind: 'curtailed', ...basis }
  if (expected.expectedState === 'clipped') return { kind: 'clipped', ...basis }
  if (expected.expectedState === 'under' && expected.performanceNow !== undefined)
    return {
      kind: 'under-expected',
      ...basis,
      ...(expected.underSince !== undefined && { since: expected.underSince }),
      percent: Math.max(1, Math.min(100, Math.round((1 - expected.performanceNow) * 100))),
      ...causeOf(input),
    }
  if (expected.expectedState === 'ok') return { kind: 'as-expected', ...basis }
  return { kind: 'not-measured', producing, ...causeOf(input) }
}

function causeOf({ deadStrings, inverters }: VerdictInput): Pick<SiteVerdict, 'deviceId' | 'deviceName' | 'string'> {
  const [dead] = deadStrings
  if (dead) return { ...dead }
  if (inverters.length < 2) return {}
  const weakest = inverters.reduce((least, each) => (each.share < least.share ? each : least))
  const usual = median(inverters.filter((each) => each !== weakest).map(({ share }) => share))
  if (usual < ENOUGH || weakest.share >= WEAK * usual) return {}
  return { deviceId: weakest.deviceId, deviceName: weakest.deviceName }
}
