/** The fields of a site, of its arrays and of a device, as people type them. */
import { DEVICE_KINDS, DEVICE_ROLES } from '@heliograph/crm-core/contracts'
import { sentence } from '../format/words.ts'
import type { EditField } from './edit-fields.ts'

const zones = (): string[] => {
  try {
    return Intl.supportedValuesOf('timeZone')
  } catch {
    return []
  }
}

/** @param units those that the site may belong to; none: that is no question */
export const siteFields = (units: EditField['options'] = []): EditField[] => [
  { key: 'name', label: 'Name', kind: 'text', required: true, wide: true },
  ...(units.length === 0
    ? []
    : [{ key: 'orgUnitId', label: 'Unit', kind: 'choice' as const, required: true, options: units, wide: true }]),
  { key: 'address.street', label: 'Street', kind: 'text', wide: true },
  { key: 'address.postalCode', label: 'Postal code', kind: 'text', maxLength: 20 },
  { key: 'address.city', label: 'Town', kind: 'text', maxLength: 100 },
  { key: 'address.region', label: 'Region', kind: 'text', maxLength: 100 },
  { key: 'address.country', label: 'Country', kind: 'text', maxLength: 2, hint: 'Two letters: DE, IN, CL' },
  { key: 'latitude', label: 'Latitude', kind: 'number', unit: '°' },
  { key: 'longitude', label: 'Longitude', kind: 'number', unit: '°' },
  {
    key: 'timezone',
    label: 'Time zone',
    kind: 'text',
    required: true,
    suggestions: zones(),
    hint: 'Days and months are counted by it',
  },
  { key: 'peakPowerW', label: 'Modules', kind: 'number', unit: 'kWp', factor: 1000 },
  { key: 'acCapacityW', label: 'Inverters', kind: 'number', unit: 'kW', factor: 1000 },
  { key: 'tags', label: 'Tags', kind: 'list', hint: 'With commas between them', maxLength: 1300 },
]

export const ARRAY_FIELDS: readonly EditField[] = [
  { key: 'name', label: 'Name', kind: 'text', required: true, wide: true },
  { key: 'peakPowerW', label: 'Modules', kind: 'number', unit: 'kWp', factor: 1000, required: true },
  { key: 'azimuthDeg', label: 'Looks towards', kind: 'number', unit: '°', required: true, hint: '90 east, 180 south' },
  { key: 'tiltDeg', label: 'Tilt', kind: 'number', unit: '°', required: true, hint: '0 flat, 90 upright' },
]

/** @param others devices of the same site, which it may hang below */
export const deviceFields = (others: readonly { id: string; name: string }[]): EditField[] => [
  { key: 'name', label: 'Name', kind: 'text', required: true, wide: true },
  { key: 'model', label: 'Model', kind: 'text' },
  { key: 'serial', label: 'Serial', kind: 'text', required: true },
  { key: 'kind', label: 'Kind', kind: 'choice', required: true, options: DEVICE_KINDS.map(choice) },
  { key: 'role', label: 'Counts as', kind: 'choice', required: true, options: DEVICE_ROLES.map(choice) },
  {
    key: 'parentId',
    label: 'Hangs below',
    kind: 'choice',
    options: [{ value: '', label: 'nothing' }, ...others.map(({ id, name }) => ({ value: id, label: name }))],
  },
  { key: 'peakPowerW', label: 'Rating', kind: 'number', unit: 'kWp', factor: 1000 },
  { key: 'deliveryIntervalS', label: 'Delivers every', kind: 'number', unit: 's', hint: 'Empty: learned' },
  { key: 'warrantyUntil', label: 'Warranty until', kind: 'date' },
]
const choice = (value: string) => ({ value, label: value === 'none' ? 'Nothing' : sentence(value) })

const POINTS = ['north', 'north-east', 'east', 'south-east', 'south', 'south-west', 'west', 'north-west'] as const
/** 180 is south. */
export const compassPoint = (azimuthDeg: number): string => POINTS[Math.round(azimuthDeg / 45) % 8] ?? 'north'
