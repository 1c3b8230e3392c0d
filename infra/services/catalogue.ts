/** All services: one file each in `engines/`. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from './service.ts'

export async function loadServices(): Promise<Service[]> {
  const folder = join(import.meta.dirname, 'engines')
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  const modules = files.sort().map((file) => import(join(folder, file)) as Promise<{ service: Service }>)
  return (await Promise.all(modules)).map(({ service }) => service)
}

/** @throws where a name is not known, with those that are */
export async function loadService(name: string): Promise<Service> {
  const services = await loadServices()
  const found = services.find((service) => service.name === name)
  if (!found)
    throw new Error(`there is no service "${name}"; known: ${services.map((service) => service.name).join(', ')}`)
  return found
}
