/** Installs a service once per version: what is complete is renamed into its place, so that an interrupted one is no trap. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { installedFolder } from './folders.ts'
import { hasCommand } from './run-command.ts'
import type { Service } from './service.ts'

export const isInstalled = ({ name, version }: Service): boolean => existsSync(installedFolder(name, version))

/** What the machine lacks for a service, one line each. */
export function missingCommands({ needs = {} }: Service): string[] {
  return Object.entries(needs).flatMap(([command, how]) => (hasCommand(command) ? [] : [`${command} (${how})`]))
}

/** @returns the folder of its files */
export async function installService(service: Service): Promise<string> {
  const dir = installedFolder(service.name, service.version)
  if (existsSync(dir)) return dir
  const missing = missingCommands(service)
  if (missing.length > 0) throw new Error(`${service.name} needs ${missing.join(', ')}`)
  mkdirSync(dirname(dir), { recursive: true })
  const unfinished = `${dir}.${process.pid}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished)
  try {
    await service.install(unfinished)
    // Another clone may have been quicker: the same version, the same files.
    if (!existsSync(dir)) renameSync(unfinished, dir)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return dir
}
