/** Keycloak: signing in by OpenID Connect. In development mode, with its data in a folder of this instance. */
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { MAVEN_NEEDS, unpackArtifact } from '../maven.ts'
import { defineService, SERVICE_PASSWORD, SERVICE_USER } from '../service.ts'
import { fetchOk } from '../wait.ts'

export const service = defineService({
  name: 'keycloak',
  version: '26.4.0',
  needs: MAVEN_NEEDS,
  install: (dir) => unpackArtifact(dir, 'org.keycloak:keycloak-quarkus-dist:26.4.0:zip'),
  run: {
    ports: ['http', 'management'],
    async command({ installed, data, port }) {
      // It writes what it builds for itself beside its files.
      const home = join(data, 'keycloak')
      if (!existsSync(home)) cpSync(join(installed, 'keycloak-26.4.0'), home, { recursive: true })
      return {
        program: 'sh',
        args: [
          ...['-c', 'exec sh "$0" "$@"', join(home, 'bin', 'kc.sh'), 'start-dev', '--http-host', '127.0.0.1'],
          ...['--http-port', String(port('http')), '--http-management-port', String(port('management'))],
          ...['--health-enabled', 'true'],
        ],
        env: {
          KC_BOOTSTRAP_ADMIN_USERNAME: SERVICE_USER,
          KC_BOOTSTRAP_ADMIN_PASSWORD: SERVICE_PASSWORD,
          // Its script otherwise starts Java as a child, which a stop by pid would leave behind.
          KC_RUN_IN_CONTAINER: 'true',
        },
      }
    },
    ready: ({ port }) => fetchOk(`http://127.0.0.1:${port('management')}/health/ready`),
    readyMs: 180_000,
    url: ({ port }) => `http://${SERVICE_USER}:${SERVICE_PASSWORD}@127.0.0.1:${port('http')}`,
  },
})
