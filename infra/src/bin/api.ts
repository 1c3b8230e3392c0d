/** API, page and CRM as a process: a child of `solo`, or a role of its own on shared engines. */
import { runChild } from '../process/child.ts'
import { runRole } from '../process/run-role.ts'
import { startApi } from '../roles/api.ts'
import { createContext } from '../roles/context.ts'

if (process.env['HELIOGRAPH_CHILD_WAREHOUSE_ADDRESS']) await runChild(async () => startApi(await createContext('api')))
else await runRole({ name: 'api', start: startApi })
