/** Adapters of engines against the engines' own clients: each is a script beside the adapters, which alone know an engine. */
import { join } from 'node:path'
import { ROOT, runGenerator } from '../lib/processes.ts'
import type { Measure, Subject } from '../lib/subject.ts'

const subject = (name: string, title: string, quick: string[], services = name): Subject => ({
  name,
  title: `${title} (npm run services -- up ${services})`,
  needsServices: true,
  run: (context) => runGenerator<Measure[]>(join(ROOT, `infra/bench/${name}.ts`), context.quick ? quick : []),
})

export const engines: readonly Subject[] = [
  subject('kafka', 'Log on Kafka, against bare clients', ['20000', '1']),
  subject('influxdb', 'Raw curves in InfluxDB, against a bare poster', ['20000', '1']),
  subject('mysql', 'CRM on MySQL, against bare mysql2', ['400', '1']),
  subject('redis', 'The live page of two API processes', ['100', '200', '15'], 'kafka mysql redis minio'),
  subject('takeover', 'A worker is killed under load', ['5'], 'kafka mariadb redis minio'),
]
