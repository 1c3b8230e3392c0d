import { needService, ownService } from '../../services/for-tests.ts'
import { describeMysqlServer } from './mysql-server.suite.ts'

describeMysqlServer('MySQL', (await needService('mysql')).url(), () => ownService('mysql'))
