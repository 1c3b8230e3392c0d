/** The MQTT edge as a process. */
import { runChild } from '../process/child.ts'
import { createContext } from '../roles/context.ts'
import { startEdge } from '../roles/edge.ts'

await runChild(async () => startEdge(await createContext('edge')))
