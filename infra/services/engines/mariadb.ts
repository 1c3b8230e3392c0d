/** MariaDB: the CRM database (`HELIO_CRM_URL`). */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { debianCommand, unpackDebian } from '../debian.ts'
import { accountSql, greets } from '../mysql-protocol.ts'
import { runCommand } from '../run-command.ts'
import { defineService, SERVICE_PASSWORD, SERVICE_USER } from '../service.ts'

/** What its install script feeds to a bootstrapping server, which a program with a loader of its own cannot run. */
const SYSTEM_TABLES = ['mysql_system_tables.sql', 'mysql_performance_tables.sql', 'mysql_system_tables_data.sql']

export const service = defineService({
  name: 'mariadb',
  version: '10.11-bookworm',
  needs: { 'apt-get': 'a Debian machine' },
  install: (dir) => unpackDebian(dir, 'bookworm', ['mariadb-server-core']),
  run: {
    ports: ['mysql'],
    async command({ installed, data, port }) {
      const share = join(installed, 'root/usr/share/mysql')
      const tables = join(data, 'tables')
      const common = [
        '--no-defaults',
        `--basedir=${join(installed, 'root/usr')}`,
        `--datadir=${tables}`,
        `--lc-messages-dir=${share}`,
        ...(process.getuid?.() === 0 ? ['--user=root'] : []),
      ]
      if (!existsSync(join(data, 'complete'))) {
        rmSync(tables, { recursive: true, force: true })
        await runCommand('mkdir', ['-p', join(tables, 'mysql')])
        const { program, args } = debianCommand(installed, 'usr/sbin/mariadbd', [...common, '--bootstrap'])
        const sql = SYSTEM_TABLES.map((file) => readFileSync(join(share, file), 'utf8'))
        await runCommand(program, args, { input: ['use mysql;', ...sql].join('\n') })
        writeFileSync(join(data, 'complete'), '')
      }
      writeFileSync(join(data, 'accounts.sql'), accountSql())
      return debianCommand(installed, 'usr/sbin/mariadbd', [
        ...common,
        `--port=${port('mysql')}`,
        '--bind-address=127.0.0.1',
        `--socket=${join(data, 'socket')}`,
        `--pid-file=${join(data, 'mariadb.pid')}`,
        `--init-file=${join(data, 'accounts.sql')}`,
        '--innodb-buffer-pool-size=128M',
        '--max-connect-errors=1000000',
        '--innodb-lock-wait-timeout=10',
        '--skip-name-resolve',
      ])
    },
    ready: ({ port }) => greets(port('mysql')),
    readyMs: 60_000,
    url: ({ port }) => `mysql://${SERVICE_USER}:${SERVICE_PASSWORD}@127.0.0.1:${port('mysql')}/heliograph`,
  },
})
