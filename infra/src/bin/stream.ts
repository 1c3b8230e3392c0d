/** On shared engines every worker decodes its share; one stores, keeps live state and raises alarms, others stand by for that. */
import { holdLease } from '../process/hold-lease.ts'
import { runRole } from '../process/run-role.ts'
import { startDecoder } from '../roles/decode.ts'
import { startWorker } from '../roles/worker.ts'

await runRole({
  name: 'worker',
  beside: startDecoder,
  before: ({ crmUrl }, logger, signal) => holdLease('worker', { crmUrl, logger, signal }),
  start: startWorker,
})
