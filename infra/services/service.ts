/** What a real engine looks like to `npm run services`: one file in `engines/` each, so that adding one is adding a file. */

/** Where one running instance of a service lives. */
export interface Place {
  /** Folder of its installed files, by version. Never written to while it runs. */
  installed: string
  /** Folder of its data, of this instance alone. */
  data: string
  /** Port of a listener, by its name. */
  port(name: string): number
}

export interface ServiceCommand {
  program: string
  args: string[]
  env?: Record<string, string>
}

export interface Service {
  name: string
  /** Pinned; installed files lie in a folder of this name. */
  version: string
  /** Commands of the machine that installing or running needs, and how a Debian machine gets them. */
  needs?: Readonly<Record<string, string>>
  /** Puts its files into an empty folder, which becomes visible when this resolves. */
  install(dir: string): Promise<void>
  /** Absent: a tool that is installed and not started. */
  run?: {
    /** Names of its listeners; the first is the one people connect to. */
    ports: readonly string[]
    /** Names of ports that somebody else listens on, such as a proxy in front of it: kept from start to start. */
    reserved?: readonly string[]
    /** Prepares its data folder where that is new, and says how to start. */
    command(place: Place): Promise<ServiceCommand>
    /** Rejects until it answers; asked again and again. */
    ready(place: Place): Promise<void>
    /** How long it may take to answer, milliseconds. */
    readyMs: number
    /** How long it may take to end when asked, milliseconds. Default 15 000. */
    stopMs?: number
    /** Address of the running service, as settings and tests take it. Its passwords are those of a development machine. */
    url(place: Place): string
  }
}

export const defineService = (service: Service): Service => service

/** User and password that every service of a development machine has. They listen on the loopback alone. */
export const SERVICE_USER = 'heliograph'
export const SERVICE_PASSWORD = 'heliograph-services'
