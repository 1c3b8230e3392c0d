/** Mosquitto: a tenant's existing MQTT broker, for connections of the kind `broker`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { debianCommand, unpackDebian } from '../debian.ts'
import { runCommand } from '../run-command.ts'
import { defineService, SERVICE_PASSWORD, SERVICE_USER } from '../service.ts'
import { connectTo } from '../wait.ts'

export const service = defineService({
  name: 'mosquitto',
  version: '2.0-bookworm',
  needs: { 'apt-get': 'a Debian machine' },
  install: (dir) => unpackDebian(dir, 'bookworm', ['mosquitto']),
  run: {
    ports: ['mqtt'],
    async command({ installed, data, port }) {
      const passwords = join(data, 'passwords')
      const hash = debianCommand(installed, 'usr/bin/mosquitto_passwd', [
        '-c',
        '-b',
        passwords,
        SERVICE_USER,
        SERVICE_PASSWORD,
      ])
      await runCommand(hash.program, hash.args)
      writeFileSync(
        join(data, 'mosquitto.conf'),
        [
          `listener ${port('mqtt')} 127.0.0.1`,
          'allow_anonymous false',
          `password_file ${passwords}`,
          'persistence true',
          `persistence_location ${data}/`,
          'autosave_interval 5',
          // Started by root it would become a user that cannot read its data.
          ...(process.getuid?.() === 0 ? ['user root'] : []),
          'max_queued_messages 100000',
          'log_dest stderr',
          '',
        ].join('\n'),
      )
      return debianCommand(installed, 'usr/sbin/mosquitto', ['-c', join(data, 'mosquitto.conf')])
    },
    async ready({ port }) {
      const socket = await connectTo(port('mqtt'))
      socket.destroy()
    },
    readyMs: 20_000,
    url: ({ port }) => `mqtt://${SERVICE_USER}:${SERVICE_PASSWORD}@127.0.0.1:${port('mqtt')}`,
  },
})
