/**
 * Answers of a ClickHouse server, which may end in an exception after status 200: behind rows, behind a mark of newer servers, or
 * alone. An answer that is taken for good here is one that came to its end, in its time.
 */
import { addAbortSignal, type Readable } from 'node:stream'
import { parseError } from '@clickhouse/client'

/** Of an exception's text; the rest of it is not read. */
const MAX_TEXT = 10_000
const EXCEPTION = /\b(Code: \d+\.|DB::Exception)/

/** @param signal ends the reading too: the client heeds it until the first byte only */
const inTime = (stream: Readable, signal: AbortSignal): AsyncIterable<Buffer> => addAbortSignal(signal, stream)

/**
 * Lines as they come, several at a time; each begins as a row of JSON does.
 * @throws ClickHouseError where the answer holds one; Error where it is cut off
 */
export async function* linesOf(stream: Readable, signal: AbortSignal): AsyncGenerator<string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  let isOver = false
  for await (const chunk of inTime(stream, signal)) {
    const text = rest + decoder.decode(chunk, { stream: true })
    if (isOver) {
      rest = text.slice(0, MAX_TEXT)
      continue
    }
    const end = text.lastIndexOf('\n')
    rest = text.slice(end + 1)
    if (end < 0) continue
    const lines = text.slice(0, end).split('\n')
    const good = lines.findIndex((line) => !isRow(line))
    if (good < 0) yield lines
    else {
      // From here on it is an exception; which one is told at its end.
      isOver = true
      rest = [...lines.slice(good), rest].join('\n')
    }
  }
  if (rest !== '') throw faultOf(rest)
}

/** Reads the answer of an insert. @throws where there is one at all: rows that were taken are answered by nothing */
export async function noAnswer(stream: Readable, signal: AbortSignal): Promise<void> {
  const text = await textOf(stream, signal)
  if (text !== '') throw faultOf(text)
}

/** Reads the answer of a statement whose rows nobody needs. @throws ClickHouseError where it is an exception */
export async function noException(stream: Readable, signal: AbortSignal): Promise<void> {
  const text = await textOf(stream, signal)
  if (EXCEPTION.test(text)) throw faultOf(text)
}

async function textOf(stream: Readable, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of inTime(stream, signal))
    if (text.length < MAX_TEXT) text += decoder.decode(chunk, { stream: true })
  return text.trim()
}

const isRow = (line: string): boolean => line.startsWith('{') || line.startsWith('[')

function faultOf(text: string): Error {
  const short = text.trim().slice(0, MAX_TEXT)
  return EXCEPTION.test(short)
    ? parseError(short)
    : new Error(`the answer is cut off or none of ours: ${short.slice(0, 200)}`)
}
