/** k6: load scripts against the HTTP interface and the live socket. A tool: nothing to start. */
import { GO_NEEDS, goInstall } from '../golang.ts'
import { defineService } from '../service.ts'

export const service = defineService({
  name: 'k6',
  version: '1.8.1',
  needs: GO_NEEDS,
  install: (dir) => goInstall(dir, 'go.k6.io/k6@v1.8.1'),
})
