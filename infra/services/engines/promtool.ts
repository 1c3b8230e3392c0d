/** promtool: checks and tries the rules in `infra/deploy/prometheus` as Prometheus would. A tool; nothing is started. */
import { unpackDebian } from '../debian.ts'
import { defineService } from '../service.ts'

export const service = defineService({
  name: 'promtool',
  version: '2.42-bookworm',
  needs: { 'apt-get': 'a Debian machine' },
  install: (dir) => unpackDebian(dir, 'bookworm', ['prometheus']),
})
