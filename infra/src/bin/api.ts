/** API, page and CRM as a process. */
import { runChild } from '../process/child.ts'
import { startApi } from '../roles/api.ts'
import { createContext } from '../roles/context.ts'

await runChild(() => startApi(createContext('api')))
