/** Where a service listens that was started for a benchmark. `node infra/bench/address.ts NAME` */
import { needService } from '../services/for-tests.ts'

const instance = await needService(process.argv[2] ?? '')
process.stdout.write(`${JSON.stringify(instance.url())}\n`)
