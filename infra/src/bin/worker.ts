/** Decoding and storing as a process: what solo keeps off the loops that serve devices and pages. */
import { runChild } from '../process/child.ts'
import { createContext } from '../roles/context.ts'
import { startWorker } from '../roles/worker.ts'

await runChild(async () => startWorker(await createContext('worker')))
