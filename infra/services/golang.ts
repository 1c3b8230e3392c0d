/** Go programs from the module proxy. */
import { rmSync } from 'node:fs'
import { runCommand } from './run-command.ts'

export const GO_NEEDS = { go: 'apt-get install golang' } as const

/** @param program `module/path@version` */
export async function goInstall(dir: string, program: string): Promise<void> {
  // Whatever the caller's settings are, this is no part of a module of theirs.
  await runCommand('go', ['install', program], { cwd: dir, env: { GOBIN: dir, GOFLAGS: '', GO111MODULE: 'on' } })
}

/** Sources of a module, to be changed before they are built. */
export async function goSources(dir: string, module: string): Promise<void> {
  const answer = await runCommand('go', ['mod', 'download', '-json', module], {
    env: { GOFLAGS: '', GO111MODULE: 'on' },
  })
  const { Dir: cached } = JSON.parse(answer) as { Dir: string }
  rmSync(dir, { recursive: true, force: true })
  await runCommand('cp', ['-r', cached, dir])
  await runCommand('chmod', ['-R', 'u+w', dir])
}
