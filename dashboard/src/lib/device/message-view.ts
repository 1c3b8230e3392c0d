/** A message's body for a person: JSON laid out, other text as it is, everything else as bytes. */
import { asHex, asText, looksLikeText } from '../desk/bytes-view.ts'

/** Laying out more than this would only hold up the page. */
const MOST_LAID_OUT = 64 * 1024

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
}

/** @param hex bytes are wanted, whatever they are */
export function bytesView(base64: string, hex: boolean): string {
  const bytes = bytesOf(base64)
  if (hex || !looksLikeText(bytes)) return asHex(bytes)
  const text = asText(bytes)
  if (bytes.length > MOST_LAID_OUT || !/^\s*[[{]/.test(text)) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
