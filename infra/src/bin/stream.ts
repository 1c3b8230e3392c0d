/** Decoding, storing, live state and alarms on shared engines: one process works, others stand by and take over. */
import { holdLease } from '../process/hold-lease.ts'
import { runRole } from '../process/run-role.ts'
import { startWorker } from '../roles/worker.ts'

await runRole({
  name: 'worker',
  before: ({ crmUrl }, logger, signal) => holdLease('worker', { crmUrl, logger, signal }),
  start: startWorker,
})
