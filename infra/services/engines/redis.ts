/** Redis: live state, bus and limits (`HELIO_LIVE_URL`). */
import { debianCommand, unpackDebian } from '../debian.ts'
import { defineService } from '../service.ts'
import { ask } from '../wait.ts'

export const service = defineService({
  name: 'redis',
  version: '7.0-bookworm',
  needs: { 'apt-get': 'a Debian machine' },
  install: (dir) => unpackDebian(dir, 'bookworm', ['redis-server']),
  run: {
    ports: ['redis'],
    async command({ installed, data, port }) {
      return debianCommand(installed, 'usr/bin/redis-server', [
        ...['--port', String(port('redis')), '--bind', '127.0.0.1', '--dir', data],
        ...['--appendonly', 'no', '--save', '', '--daemonize', 'no'],
      ])
    },
    async ready({ port }) {
      const answer = await ask(port('redis'), 'PING\r\n')
      if (!answer.toString().startsWith('+PONG')) throw new Error(answer.toString())
    },
    readyMs: 20_000,
    url: ({ port }) => `redis://127.0.0.1:${port('redis')}`,
  },
})
