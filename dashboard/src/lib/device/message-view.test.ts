import { expect, test } from 'vitest'
import { bytesView } from './message-view.ts'

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64')

test('JSON is laid out, other text is left as it came', () => {
  expect(bytesView(base64('{"a":1}'), false)).toBe('{\n  "a": 1\n}')
  expect(bytesView(base64('a=1&b=<script>'), false)).toBe('a=1&b=<script>')
  expect(bytesView(base64('{"a":'), false)).toBe('{"a":')
})
test('bytes are shown as bytes, also on demand', () => {
  expect(bytesView(base64('\x00\x01\x02\xff\x00\x01'), false)).toContain('00 01 02 ff')
  expect(bytesView(base64('{}'), true)).toContain('7b 7d')
  expect(bytesView('', false)).toBe('')
})
