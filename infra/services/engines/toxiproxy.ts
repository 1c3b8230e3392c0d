/** toxiproxy: stands between a test and an engine, to delay, stall or cut what they say to each other. */
import { join } from 'node:path'
import { GO_NEEDS, goInstall } from '../golang.ts'
import { defineService } from '../service.ts'
import { fetchOk } from '../wait.ts'

export const service = defineService({
  name: 'toxiproxy',
  version: '2.5.0',
  needs: GO_NEEDS,
  install: (dir) => goInstall(dir, 'github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0'),
  run: {
    ports: ['control'],
    async command({ installed, port }) {
      return { program: join(installed, 'server'), args: ['-host', '127.0.0.1', '-port', String(port('control'))] }
    },
    ready: ({ port }) => fetchOk(`http://127.0.0.1:${port('control')}/version`),
    readyMs: 10_000,
    url: ({ port }) => `http://127.0.0.1:${port('control')}`,
  },
})
