/** Small texts made of parts. */
import type { Address } from '@heliograph/crm-core/contracts'

/** `Hauptstr. 1, 79100 Freiburg, DE`; empty when nothing is known. */
export function addressLine(address: Address | null | undefined): string {
  if (!address) return ''
  const town = [address.postalCode, address.city].filter(Boolean).join(' ')
  return [address.street, town, address.region, address.country].filter(Boolean).join(', ')
}

/** A name of the contract as words: `clock_suspect` and `not-json` become `clock suspect` and `not json`. */
export function plainWords(name: string): string {
  return name
    .replaceAll(/[_-]/g, ' ')
    .replaceAll(/\b(json|crm|mqtt|http|sms|sql|ac|dc|pv)\b/g, (word) => word.toUpperCase())
    .replaceAll('utf8', 'UTF-8')
}

/** First letter large: for names used as labels. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
