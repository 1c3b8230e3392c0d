/** The fields of a contract as people type them, and its parts as people read them. */
import {
  CONTRACT_KINDS,
  CONTRACT_STATUSES,
  SERVICE_HOURS,
  type Contract,
  type ContractKind,
  type ServiceHours,
} from '@heliograph/crm-core/contracts'
import type { Mark } from '../components/marks.ts'
import { formatNumber } from '../format/numbers.ts'
import { dayName } from '../format/times.ts'
import { sentence } from '../format/words.ts'
import type { EditField } from '../site/edit-fields.ts'

const NONE = { value: '', label: 'none' }
const HOURS: Readonly<Record<ServiceHours, string>> = {
  always: 'around the clock',
  weekdays: 'Monday to Friday, 8 to 18 h',
}
export const kindWord = (kind: ContractKind): string => sentence(kind.replaceAll('-', ' '))

export const CONTRACT_FIELDS: readonly EditField[] = [
  { key: 'name', label: 'Name', kind: 'text', required: true, wide: true },
  { key: 'number', label: 'Number', kind: 'text', maxLength: 40, hint: 'Empty: the next one' },
  {
    key: 'kind',
    label: 'Kind',
    kind: 'choice',
    required: true,
    options: CONTRACT_KINDS.map((value) => ({ value, label: kindWord(value) })),
  },
  {
    key: 'status',
    label: 'Status',
    kind: 'choice',
    required: true,
    options: CONTRACT_STATUSES.map((value) => ({ value, label: sentence(value) })),
  },
  { key: 'validFrom', label: 'Valid from', kind: 'date', required: true },
  { key: 'validTo', label: 'Valid until', kind: 'date', hint: 'Empty: without an end' },
  { key: 'sla.firstResponseH', label: 'First response within', kind: 'number', unit: 'h' },
  { key: 'sla.solutionH', label: 'Solution within', kind: 'number', unit: 'h' },
  {
    key: 'sla.hours',
    label: 'Hours count',
    kind: 'choice',
    options: [NONE, ...SERVICE_HOURS.map((value) => ({ value, label: sentence(HOURS[value]) }))],
  },
  {
    key: 'guarantee.kind',
    label: 'Guarantee',
    kind: 'choice',
    options: [
      NONE,
      { value: 'energy', label: 'kWh a year' },
      { value: 'performance-ratio', label: 'Performance ratio' },
    ],
  },
  { key: 'guarantee.value', label: 'Guaranteed', kind: 'number', hint: 'Such as 9500 kWh, or a ratio of 0.8' },
  { key: 'tariff.perKwh', label: 'Worth of a kWh', kind: 'decimal', maxLength: 18, hint: 'Such as 0.0821' },
  { key: 'tariff.currency', label: 'Currency', kind: 'text', maxLength: 3, hint: 'Three letters: EUR, CLP' },
]

/** Where a contract stands on a day. @param today of the form `2026-03-03` */
export function contractMark({ status, validFrom, validTo }: Contract, today: string): Mark {
  if (status === 'draft') return { icon: 'question', word: 'Draft', tone: 'calm' }
  if (status === 'ended') return { icon: 'stop', word: 'Ended', tone: 'calm' }
  if (validFrom > today) return { icon: 'moon', word: 'Not yet in force', tone: 'calm' }
  if (validTo !== null && validTo < today) return { icon: 'warning', word: 'Run out', tone: 'warn' }
  return { icon: 'checkCircle', word: 'In force', tone: 'good' }
}

/** Promises, guarantee and tariff, one line each; what is not agreed on is left out. */
export function contractLines(contract: Contract, locale: string): { name: string; value: string }[] {
  const { sla, guarantee, tariff, validFrom, validTo } = contract
  const within = (hours: number) => `within ${formatNumber(hours, locale)} h`
  return [
    {
      name: 'Valid',
      value: `${dayName(validFrom, locale)} ${validTo === null ? 'on, without an end' : `to ${dayName(validTo, locale)}`}`,
    },
    ...(sla?.firstResponseH != null ? [{ name: 'First response', value: within(sla.firstResponseH) }] : []),
    ...(sla?.solutionH != null ? [{ name: 'Solution', value: within(sla.solutionH) }] : []),
    ...(sla && (sla.firstResponseH ?? sla.solutionH) !== null
      ? [{ name: 'Hours count', value: HOURS[sla.hours] }]
      : []),
    ...(guarantee
      ? [
          {
            name: 'Guarantee',
            value:
              guarantee.kind === 'energy'
                ? `${formatNumber(guarantee.value, locale)} kWh a year`
                : `performance ratio ${formatNumber(guarantee.value, locale)}`,
          },
        ]
      : []),
    ...(tariff ? [{ name: 'Tariff', value: `${tariff.perKwh} ${tariff.currency} per kWh` }] : []),
  ]
}
