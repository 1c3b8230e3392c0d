import { describe, expect, it } from 'vitest'
import type { Contract } from '@heliograph/crm-core/contracts'
import { contractLines, contractMark } from './contract-fields.ts'

const contract: Contract = {
  id: 'c',
  version: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  number: 'C-1',
  name: 'Care',
  customerId: 'k',
  kind: 'maintenance',
  status: 'active',
  validFrom: '2026-01-01',
  validTo: '2026-12-31',
  siteIds: null,
  sla: { firstResponseH: 4, solutionH: null, hours: 'weekdays' },
  guarantee: { kind: 'energy', value: 9500 },
  tariff: { perKwh: '0.0821', currency: 'EUR' },
  notes: null,
}

describe('a contract', () => {
  it.each([
    [{}, '2026-06-01', 'In force'],
    [{}, '2025-12-31', 'Not yet in force'],
    [{}, '2026-12-31', 'In force'],
    [{}, '2027-01-01', 'Run out'],
    [{ validTo: null }, '2040-01-01', 'In force'],
    [{ status: 'draft' }, '2026-06-01', 'Draft'],
    [{ status: 'ended' }, '2026-06-01', 'Ended'],
  ] as const)('%j on %s is: %s', (change, today, word) => {
    expect(contractMark({ ...contract, ...change }, today).word).toBe(word)
  })
  it('tells what was agreed on and leaves out what was not', () => {
    expect(contractLines(contract, 'en').map(({ name, value }) => `${name}: ${value}`)).toEqual([
      'Valid: Thu, Jan 1, 2026 to Thu, Dec 31, 2026',
      'First response: within 4 h',
      'Hours count: Monday to Friday, 8 to 18 h',
      'Guarantee: 9,500 kWh a year',
      'Tariff: 0.0821 EUR per kWh',
    ])
    const bare = { ...contract, sla: null, guarantee: null, tariff: null, validTo: null }
    expect(contractLines(bare, 'en')).toEqual([{ name: 'Valid', value: 'Thu, Jan 1, 2026 on, without an end' }])
  })
})
