import { needService } from '../../services/for-tests.ts'
import { describeMysqlSuites } from './mysql-services.suite.ts'

await describeMysqlSuites('MariaDB', (await needService('mariadb')).url())
