import { expect, test } from 'vitest'
import { fileTypeOf } from './file-type.ts'

const of = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))))

test.each([
  ['image/jpeg', of([0xff, 0xd8, 0xff, 0xe0], 'JFIF')],
  ['image/png', of([0x89], 'PNG\r\n\x1a\n')],
  ['image/webp', of('RIFF', [1, 2, 3, 4], 'WEBPVP8 ')],
  ['image/heic', of([0, 0, 0, 24], 'ftypheic')],
  ['application/pdf', of('%PDF-1.7')],
  [undefined, of('<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>')],
  [undefined, of('<html><script>1</script>')],
  [undefined, of('RIFF', [1, 2, 3, 4], 'WAVE')],
  [undefined, of([0, 0, 0, 24], 'ftypmp42')],
  [undefined, of([0xff, 0xd8])],
  [undefined, of('')],
])('%s', (type, bytes) => {
  expect(fileTypeOf(bytes)).toBe(type)
})
