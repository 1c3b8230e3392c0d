import { expect, it } from 'vitest'
import { needService, ownService } from '../../services/for-tests.ts'
import { checkMysql } from './mysql-connection.ts'
import { describeSlowReplica } from './mysql-replica.suite.ts'
import { describeMysqlServer } from './mysql-server.suite.ts'

describeMysqlServer('MariaDB', (await needService('mariadb')).url(), () => ownService('mariadb'))

describeSlowReplica('MariaDB', (args) => ownService('mariadb', args), {
  source: ['SET GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC'],
  replica: [],
  position: 'SHOW MASTER STATUS',
  follow: ({ port, user, password, file, position }) =>
    `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${port}, MASTER_USER = '${user}', MASTER_PASSWORD = '${password}', MASTER_LOG_FILE = '${file}', MASTER_LOG_POS = ${position}, MASTER_CONNECT_RETRY = 1`,
  enable: 'SET GLOBAL rpl_semi_sync_slave_enabled = 1',
  start: 'START SLAVE',
  stop: 'STOP SLAVE',
  semiSync: 'rpl_semi_sync_master',
})

it('a server that is too old is refused at start with one line that says which would do', async () => {
  // It calls itself what it is told to.
  const old = await ownService('mariadb', ['--version=10.6.21-MariaDB'])
  try {
    await expect(checkMysql(old.url())).rejects.toThrow(
      /^HELIO_CRM_URL: 127\.0\.0\.1:\d+ is 10\.6\.21-MariaDB; MySQL 8 or MariaDB 10\.11 is the oldest that serves$/,
    )
  } finally {
    await old.remove()
  }
})
