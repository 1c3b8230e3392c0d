/** Java programs from Maven's central repository. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './run-command.ts'

export const MAVEN_NEEDS = {
  java: 'apt-get install openjdk-17-jdk-headless',
  mvn: 'apt-get install maven',
} as const

/** @param artifacts `group:name:version`, each with all it needs */
export async function copyArtifacts(dir: string, artifacts: string[]): Promise<void> {
  const work = join(dir, 'pom')
  mkdirSync(work, { recursive: true })
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  writeFileSync(
    join(work, 'pom.xml'),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>heliograph</groupId><artifactId>services</artifactId><version>1</version>
<dependencies>${dependencies.join('\n')}</dependencies></project>\n`,
  )
  await runCommand('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${join(dir, 'lib')}`], {
    cwd: work,
  })
  rmSync(work, { recursive: true })
}

/** @param artifact `group:name:version:zip`, unpacked into the folder */
export async function unpackArtifact(dir: string, artifact: string): Promise<void> {
  const archives = join(dir, 'archives')
  mkdirSync(archives)
  await runCommand('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${archives}`])
  // Part of every Java development kit, where unzip may be missing.
  for (const archive of readdirSync(archives)) await runCommand('jar', ['xf', join(archives, archive)], { cwd: dir })
  rmSync(archives, { recursive: true })
}
