/** MinIO: files by S3's interface (`HELIO_FILES_URL`). */
import { join } from 'node:path'
import { GO_NEEDS, goInstall } from '../golang.ts'
import { defineService, SERVICE_PASSWORD, SERVICE_USER } from '../service.ts'
import { fetchOk } from '../wait.ts'

export const service = defineService({
  name: 'minio',
  version: '20260212',
  needs: GO_NEEDS,
  install: (dir) => goInstall(dir, 'github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c'),
  run: {
    ports: ['s3', 'console'],
    async command({ installed, data, port }) {
      const addresses = ['--address', `127.0.0.1:${port('s3')}`, '--console-address', `127.0.0.1:${port('console')}`]
      return {
        program: join(installed, 'minio'),
        args: ['server', join(data, 'files'), ...addresses],
        env: {
          MINIO_ROOT_USER: SERVICE_USER,
          MINIO_ROOT_PASSWORD: SERVICE_PASSWORD,
          MINIO_UPDATE: 'off',
          MINIO_BROWSER: 'off',
          // Encryption on the server's side, by a key of this development machine.
          MINIO_KMS_SECRET_KEY: 'heliograph:aGVsaW9ncmFwaC1zZXJ2aWNlcy1rZXktMzItYnl0ZXM=',
        },
      }
    },
    ready: ({ port }) => fetchOk(`http://127.0.0.1:${port('s3')}/minio/health/live`),
    readyMs: 30_000,
    url: ({ port }) => `http://${SERVICE_USER}:${SERVICE_PASSWORD}@127.0.0.1:${port('s3')}`,
  },
})
