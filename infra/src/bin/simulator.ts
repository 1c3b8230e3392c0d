/** The demo's devices as a process: a child of `solo`, or beside role processes, on the data directory of the API that made the demo. */
import { readDemo } from '../demo/state.ts'
import { childLink } from '../process/link.ts'
import { runChild } from '../process/child.ts'
import { startSimulator } from '../roles/simulator.ts'
import { readSettings, SettingsError } from '../settings.ts'

if (process.env['HELIOGRAPH_CHILD_WAREHOUSE_ADDRESS'])
  await runChild(() => startSimulator({ settings: readSettings(), link: childLink('simulator') }))
else await runAlone()

/** Until SIGTERM or SIGINT; exit code 1 where there is no demo to play. */
async function runAlone(): Promise<void> {
  const settings = readSettingsOrExit()
  if (!readDemo(settings)) {
    console.error(
      `HELIO_DATA_DIR: ${settings.dataDir} holds no demo; it is the one of "heliograph api", started with HELIO_DEMO=on`,
    )
    process.exit(1)
  }
  const { createRedisLink } = await import('../process/redis-link.ts')
  const redisLink = createRedisLink('simulator', new URL(settings.engineUrls.live))
  await redisLink.start()
  const simulator = await startSimulator({ settings, link: redisLink.link })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.once(signal, () => {
      void simulator.stop().then(() => {
        redisLink.stop()
        process.exit(0)
      })
    })
  console.log('heliograph simulator is at work')
}
function readSettingsOrExit() {
  try {
    return readSettings()
  } catch (error) {
    for (const line of error instanceof SettingsError ? error.problems : [String(error)]) console.error(line)
    process.exit(1)
  }
}
