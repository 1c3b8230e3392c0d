/** Run as a process of its own by the tests: appends without end and tells on stdout what was acknowledged. */
import { writeSync } from 'node:fs'
import { TOPICS } from '@heliograph/crm-core/contracts'
import { createLmdbLog } from './lmdb.ts'

const [dir, run] = process.argv.slice(2)
const log = createLmdbLog({ dir: dir! })
await log.start()
const producer = log.producer(TOPICS.raw)
writeSync(1, 'ready\n')
for (let index = 0; ; index++) {
  const values = Array.from({ length: 5 }, (_, part) => `${run}-${index}-${part}`)
  await Promise.all(
    values.map(async (value) => {
      await producer.append([{ key: 'a', value: Buffer.from(value) }])
      writeSync(1, `${value}\n`)
    }),
  )
}
