/** Mosquitto: a tenant's existing MQTT broker, for connections of the kind `broker`. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { debianCommand, unpackDebian } from '../debian.ts'
import { runCommand } from '../run-command.ts'
import { defineService, SERVICE_PASSWORD, SERVICE_USER } from '../service.ts'
import { connectTo } from '../wait.ts'

export const service = defineService({
  name: 'mosquitto',
  version: '2.0-bookworm',
  needs: { 'apt-get': 'a Debian machine', openssl: 'apt-get install openssl' },
  install: (dir) => unpackDebian(dir, 'bookworm', ['mosquitto']),
  run: {
    ports: ['mqtt', 'mqtts'],
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
      await makeCertificate(data)
      writeFileSync(
        join(data, 'mosquitto.conf'),
        [
          `listener ${port('mqtt')} 127.0.0.1`,
          `listener ${port('mqtts')} 127.0.0.1`,
          `certfile ${join(data, 'certificate.pem')}`,
          `keyfile ${join(data, 'key.pem')}`,
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

/** A certificate for localhost, which clients of the listener `mqtts` have to trust: `certificate.pem`. */
async function makeCertificate(data: string): Promise<void> {
  const [certificate, key] = [join(data, 'certificate.pem'), join(data, 'key.pem')]
  if (existsSync(certificate)) return
  await runCommand('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate],
  ])
}
