import { ProblemError } from '@heliograph/crm-core/contracts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Counts the items of a body of readings: one JSON object, an array, or lines of JSON (NDJSON). Only the container is
 * judged; what an item says is the decoder's business, so that one bad reading never costs the good ones beside it.
 * @throws ProblemError `malformed_body` where the body is none of the three
 */
export function countItems(body: Uint8Array, contentType: string | undefined): number {
  let text: string
  try {
    text = utf8.decode(body)
  } catch (error) {
    throw new ProblemError('malformed_body', 'The body is not UTF-8', { cause: error })
  }
  if (isLines(contentType)) return countLines(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    // Senders often label NDJSON as JSON; more than one line is what tells.
    if (text.trimEnd().includes('\n')) return countLines(text)
    throw new ProblemError('malformed_body', 'The body is not JSON', { cause: error })
  }
  if (Array.isArray(value)) return value.length
  if (typeof value === 'object' && value !== null) return 1
  throw new ProblemError('malformed_body', 'Expected a reading, an array of readings, or one reading a line')
}

const isLines = (contentType: string | undefined) =>
  contentType !== undefined && /^application\/(x-)?(ndjson|jsonl|jsonlines)\b/i.test(contentType)

/** A line that is not JSON is a bad item of a good container, as long as at least one line is an object. */
function countLines(text: string): number {
  let items = 0
  let objects = 0
  for (const line of text.split('\n')) {
    const trimmed = line.trim()
    if (trimmed === '') continue
    items++
    if (objects === 0 && isObject(trimmed)) objects++
  }
  if (items > 0 && objects === 0) throw new ProblemError('malformed_body', 'No line of the body is a JSON object')
  return items
}

function isObject(line: string): boolean {
  if (!line.startsWith('{')) return false
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
