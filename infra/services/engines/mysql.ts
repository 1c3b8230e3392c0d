/** MySQL: the CRM database (`HELIO_CRM_URL`). Debian has it in `sid` alone, whose libraries stay in its folder. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { debianCommand, unpackDebian } from '../debian.ts'
import { accountSql, greets } from '../mysql-protocol.ts'
import { runCommand } from '../run-command.ts'
import { defineService, SERVICE_PASSWORD, SERVICE_USER } from '../service.ts'

export const service = defineService({
  name: 'mysql',
  version: '9.7-sid',
  needs: { 'apt-get': 'a Debian machine' },
  install: (dir) => unpackDebian(dir, 'sid', ['mysql-server-core']),
  run: {
    ports: ['mysql'],
    async command({ installed, data, port }) {
      const tables = join(data, 'tables')
      const common = [
        '--no-defaults',
        `--basedir=${join(installed, 'root/usr')}`,
        `--datadir=${tables}`,
        `--lc-messages-dir=${join(installed, 'root/usr/share/mysql')}`,
        ...(process.getuid?.() === 0 ? ['--user=root'] : []),
      ]
      if (!existsSync(join(data, 'complete'))) {
        rmSync(tables, { recursive: true, force: true })
        const { program, args } = debianCommand(installed, 'usr/sbin/mysqld', [...common, '--initialize-insecure'])
        await runCommand(program, args)
        writeFileSync(join(data, 'complete'), '')
      }
      writeFileSync(join(data, 'accounts.sql'), accountSql())
      return debianCommand(installed, 'usr/sbin/mysqld', [
        ...common,
        `--port=${port('mysql')}`,
        '--bind-address=127.0.0.1',
        '--mysqlx=OFF',
        '--secure-file-priv=NULL',
        `--socket=${join(data, 'socket')}`,
        `--pid-file=${join(data, 'mysql.pid')}`,
        `--init-file=${join(data, 'accounts.sql')}`,
        '--innodb-buffer-pool-size=128M',
        '--max-connect-errors=1000000',
        '--innodb-lock-wait-timeout=10',
        '--skip-name-resolve',
      ])
    },
    ready: ({ port }) => greets(port('mysql')),
    readyMs: 90_000,
    stopMs: 30_000,
    url: ({ port }) => `mysql://${SERVICE_USER}:${SERVICE_PASSWORD}@127.0.0.1:${port('mysql')}/heliograph`,
  },
})
