/** The MQTT edge on shared engines: several of them behind a TCP balancer. */
import { runRole } from '../process/run-role.ts'
import { startEdge } from '../roles/edge.ts'

await runRole({ name: 'edge', start: startEdge })
