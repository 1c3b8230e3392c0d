/** Run as a process of its own by the tests: appends without end and tells on stdout what was acknowledged. */
import { writeSync } from 'node:fs'
import { pino } from 'pino'
import { TOPICS } from '@heliograph/crm-core/contracts'
import { createKafkaLog } from './kafka.ts'
import { kafkaOptions } from './kafka-options.ts'
import { createLmdbLog } from './lmdb.ts'

/** A directory of the embedded log, or the address of a cluster. */
const [where, run] = process.argv.slice(2)
const log = where!.startsWith('kafka:')
  ? createKafkaLog(kafkaOptions(new URL(where!)), pino({ level: 'silent' }))
  : createLmdbLog({ dir: where! })
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
