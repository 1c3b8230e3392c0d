#!/usr/bin/env node
/** `npx heliograph`: hands over to the command line tool on the Node of the dependencies. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const { status } = spawnSync(
  process.execPath,
  [fileURLToPath(new URL('./bootstrap.mjs', import.meta.url)), 'cli', ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
process.exit(status ?? 1)
