/** Bytes of a stranger, shown as text or as a hex dump. Nothing is ever run or rendered. */

/** Bytes shown at most; the rest is in the download. */
export const MOST_SHOWN = 64 * 1024

/** The bytes as UTF-8, with what cannot be shown marked; undefined where that would be mostly marks. */
export function asText(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8').decode(bytes.subarray(0, MOST_SHOWN))
  // Control characters are made visible: they are often the very reason it could not be decoded.
  return text.replaceAll(
    /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (char) => {
      const code = char.codePointAt(0) ?? 0
      return code < 0x20 ? String.fromCodePoint(0x2400 + code) : `\\u${code.toString(16).padStart(4, '0')}`
    },
  )
}

/** Sixteen bytes a line: offset, hex, and what is printable. */
export function asHex(bytes: Uint8Array): string {
  const lines: string[] = []
  const end = Math.min(bytes.length, MOST_SHOWN)
  for (let offset = 0; offset < end; offset += 16) {
    const part = bytes.subarray(offset, Math.min(offset + 16, end))
    const hex = Array.from(part, (byte) => byte.toString(16).padStart(2, '0'))
    const left = hex.slice(0, 8).join(' ').padEnd(23)
    const right = hex.slice(8).join(' ').padEnd(23)
    const shown = Array.from(part, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${offset.toString(16).padStart(6, '0')}  ${left}  ${right}  ${shown}`)
  }
  return lines.join('\n')
}

/** Whether text is the better first look: most of it reads as such. */
export function looksLikeText(bytes: Uint8Array): boolean {
  const part = bytes.subarray(0, 4096)
  let odd = 0
  for (const byte of part) if (byte < 9 || (byte > 13 && byte < 32) || byte === 127) odd++
  return odd <= part.length / 10
}
