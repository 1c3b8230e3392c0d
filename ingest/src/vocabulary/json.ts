import { DecodeError } from '../vendor.ts'

/** Largest body a decoder looks at; the edges' own limits are lower, imports and pollers may come near. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024
/** No vendor nests deeper than about twelve levels; deeper text is hostile or broken. */
const MAX_JSON_DEPTH = 64

// Strips a byte order mark and throws on bad UTF-8. One for all: decode() without `stream` keeps no state.
const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Bytes to text: UTF-8 only, without byte order mark, without trailing NUL bytes and blanks (old Fronius loggers pad with NUL).
 * @throws DecodeError `too-large`, `not-utf8`
 */
export function textOf(body: Uint8Array): string {
  if (body.length > MAX_BODY_BYTES) throw new DecodeError('too-large', `body of ${body.length} bytes`)
  let text: string
  try {
    text = decoder.decode(body)
  } catch (cause) {
    throw new DecodeError('not-utf8', 'body is not UTF-8 text', { cause })
  }
  let end = text.length
  while (end > 0 && isPadding(text.charCodeAt(end - 1))) end--
  return end === text.length ? text : text.slice(0, end)
}
const isPadding = (code: number) => code === 0 || code === 32 || code === 10 || code === 13 || code === 9

/**
 * Text to JSON. Depth is counted before parsing, so that a million brackets cost a scan and no stack.
 * A `__proto__` key becomes an ordinary own property of the result; never copy it by assignment (see `entriesOf`).
 * @throws DecodeError `not-json`, `too-deep`
 */
export function parseJson(text: string): unknown {
  assertDepth(text)
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new DecodeError('not-json', text === '' ? 'body is empty' : 'body is not JSON', { cause })
  }
}

/** Bytes to JSON: `textOf` then `parseJson`, with their errors. */
export function jsonOf(body: Uint8Array): unknown {
  return parseJson(textOf(body))
}

/** The same, or undefined where the text is not JSON at all (vendors with both bare text and JSON). Still throws `too-deep`. */
export function tryJson(text: string): unknown {
  assertDepth(text)
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** @throws DecodeError `too-deep` beyond `MAX_JSON_DEPTH` levels of brackets outside of strings */
function assertDepth(text: string): void {
  if (hasFewBrackets(text)) return
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 34) {
      i = endOfString(text, i)
      if (i < 0) return // unterminated: JSON.parse says so
    } else if (code === 123 || code === 91) {
      if (++depth > MAX_JSON_DEPTH)
        throw new DecodeError('too-deep', `JSON is nested deeper than ${MAX_JSON_DEPTH} levels`)
    } else if (code === 125 || code === 93) depth--
  }
}
/** Text that opens so few brackets, in strings or not, cannot be deep: most messages are told by a look at those. */
function hasFewBrackets(text: string): boolean {
  let count = 0
  for (const bracket of '[{')
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1))
      if (++count > MAX_JSON_DEPTH) return false
  return true
}
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end > 0) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === 92) slashes++
    if (slashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return -1
}
