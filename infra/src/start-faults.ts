/** What is wrong with the engines that the settings name, found before anything is started. */
import { EngineFaultError } from './engine-fault.ts'
import { checkEngine, type EngineContext, PORTS } from './engines.ts'
import type { Settings } from './settings.ts'

/**
 * Tries all of them at once.
 * @returns one line for each that cannot be used, naming its setting
 */
export async function startFaults(
  { engineUrls, crmUrl, warehouseUrl }: Settings,
  context: EngineContext,
): Promise<string[]> {
  const ports = Object.entries(PORTS).map(([name, port]) => ({
    setting: port.setting,
    check: () => checkEngine(port, engineUrls[name as keyof typeof PORTS], context),
  }))
  const tries = [
    ...ports,
    {
      setting: 'HELIO_CRM_URL',
      // Loaded only where it is needed: whoever asks here may be a supervisor, which holds no database.
      async check() {
        if (!crmUrl.startsWith('mysql:')) return
        const { checkMysql } = await import('./crm/mysql-connection.ts')
        await checkMysql(crmUrl)
      },
    },
    {
      setting: 'HELIO_WAREHOUSE_URL',
      async check() {
        if (warehouseUrl === undefined) return
        const { checkClickhouse } = await import('./warehouse/clickhouse-url.ts')
        await checkClickhouse(warehouseUrl)
      },
    },
  ]
  const lines = tries.map(async ({ setting, check }) => {
    try {
      await check()
      return []
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error)
      return [error instanceof EngineFaultError ? what : `${setting}: ${what}`]
    }
  })
  return (await Promise.all(lines)).flat()
}
