import { needService, ownService } from '../../services/for-tests.ts'
import { describeMysqlServer } from './mysql-server.suite.ts'

describeMysqlServer('MariaDB', (await needService('mariadb')).url(), () => ownService('mariadb'))
