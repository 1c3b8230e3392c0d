import { needService } from '../../services/for-tests.ts'
import { describeMysqlSuites } from './mysql-services.suite.ts'

await describeMysqlSuites('MySQL', (await needService('mysql')).url())
