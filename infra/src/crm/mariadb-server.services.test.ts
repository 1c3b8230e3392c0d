import { expect, it } from 'vitest'
import { needService, ownService } from '../../services/for-tests.ts'
import { checkMysql } from './mysql-connection.ts'
import { describeMysqlServer } from './mysql-server.suite.ts'

describeMysqlServer('MariaDB', (await needService('mariadb')).url(), () => ownService('mariadb'))

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
