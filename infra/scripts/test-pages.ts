/**
 * The page tests in Chromium, against a whole instance of their own with the demo in it, and one that is empty; before them, what each
 * page weighs. Arguments go to Playwright: names of test files, `-g`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type PageInstance, root, startInstance } from './page-instance.ts'
import { toldWeather } from './told-weather.ts'

/** Of the empty instance alone, which lives as long as the tests. */
const EMPTY_PASSWORD = 'an-empty-instance'

const instances: PageInstance[] = []
const weather = await toldWeather()
let status = await run(process.execPath, [join(import.meta.dirname, 'page-budget.ts')], root, {})
if (status === 0) {
  status = 1
  try {
    const demo = await startInstance({ HELIO_DEMO: 'on', HELIO_DEMO_DAYS: '9' })
    instances.push(demo)
    const empty = await startInstance(
      {
        HELIO_DEMO: 'off',
        HELIO_ADMIN_EMAIL: 'admin@empty.test',
        HELIO_ADMIN_PASSWORD: EMPTY_PASSWORD,
        HELIO_WEATHER_URL: weather.url,
      },
      { isKept: true },
    )
    instances.push(empty)
    status = await run('playwright', ['test', ...process.argv.slice(2)], join(root, 'dashboard'), {
      HELIO_URL: demo.url,
      HELIO_MQTT_URL: demo.mqttUrl,
      HELIO_EMPTY_URL: empty.url,
      HELIO_EMPTY_DIR: empty.dataDir,
      HELIO_EMPTY_PASSWORD: EMPTY_PASSWORD,
    })
  } catch (error) {
    console.error(error)
  } finally {
    for (const instance of instances) await instance.stop()
    weather.stop()
  }
}
process.exit(status)

async function run(command: string, args: string[], cwd: string, settings: Record<string, string>): Promise<number> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...settings }, stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
