import type { Customer } from '@heliograph/crm-core/contracts'

/** Kinds of customers in the order in which a choice offers them. */
export const KINDS: readonly { value: Customer['kind']; label: string }[] = [
  { value: 'residential', label: 'Residential' },
  { value: 'commercial', label: 'Commercial' },
  { value: 'public', label: 'Public' },
  { value: 'utility', label: 'Utility' },
]
