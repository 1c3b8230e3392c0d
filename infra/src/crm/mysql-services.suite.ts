/** Everything that is promised of the CRM, on a server of MySQL's kind. Each of its kinds has a test file that calls this. */
import { afterAll } from 'vitest'
import { describeCrmDatabase } from './crm-database.conformance.ts'
import { openCrm } from './index.ts'
import { createTestDatabases } from './mysql-databases.ts'
import { useTestDatabases } from './open-for-test.ts'

/** @param url of a server whose account may make databases */
export async function describeMysqlSuites(engine: string, url: string): Promise<void> {
  const databases = createTestDatabases(url)
  afterAll(() => databases.end())
  useTestDatabases(databases.openEmpty)
  describeCrmDatabase(engine, async () => {
    const database = await databases.openNew()
    const db = await openCrm({ url: database.url })
    await db.start()
    return {
      db,
      async stop() {
        await db.stop()
        await database.remove()
      },
    }
  })
  // The services' own suites: they ask `openTestCrm` for a database.
  await import('./services-assets.test.ts')
  await import('./services-auth.test.ts')
  await import('./services-contracts.test.ts')
  await import('./services-desk.test.ts')
  await import('./services-incidents.test.ts')
  await import('./services-rights.test.ts')
}
