/**
 * Real engines for tests (`*.services.test.ts`). `npm run test:services` reads the names from the calls in a test's text and runs
 * the file only where all of them can be had, so a test never looks whether its engine is there.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadService } from './catalogue.ts'
import { installedFolder, runFolder } from './folders.ts'
import { isInstalled } from './install.ts'
import { createInstance, type Instance } from './instance.ts'
import type { Place, Service, ServiceCommand } from './service.ts'

/** The shared instance that `npm run services -- up NAME` started: others use it too, so never stop it or empty it. */
export async function needService(name: string): Promise<Instance> {
  const instance = createInstance(await loadService(name), runFolder(name))
  if (!(await instance.answers())) throw new Error(`${name} does not run: npm run services -- up ${name}`)
  return instance
}

/**
 * An instance of one's own from installed files, started, to be killed, stalled or filled; `remove` ends it and its data.
 * @param args more arguments of its program
 */
export async function ownService(
  name: string,
  args: readonly string[] = [],
): Promise<Instance & { remove(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), `heliograph-${name}-`))
  const instance = createInstance(withArguments(await loadService(name), args), folder)
  const remove = async (): Promise<void> => {
    await instance.kill()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await instance.start()
  } catch (error) {
    await remove()
    throw error
  }
  return { ...instance, remove }
}

function withArguments(service: Service, more: readonly string[]): Service {
  if (!service.run || more.length === 0) return service
  const { run } = service
  const command = async (place: Place): Promise<ServiceCommand> => {
    const { args, ...rest } = await run.command(place)
    return { ...rest, args: [...args, ...more] }
  }
  return { ...service, run: { ...run, command } }
}

/** Folder of the installed files of a tool: nothing of it runs. */
export async function needTool(name: string): Promise<string> {
  const service = await loadService(name)
  if (!isInstalled(service)) throw new Error(`${name} is not installed: npm run services -- install ${name}`)
  return installedFolder(service.name, service.version)
}
