import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeFiles } from './files.conformance.ts'
import { createFolderFiles } from './folder.ts'

describeFiles('a folder', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'helio-files-'))
  return {
    store: createFolderFiles({ dir: join(dir, 'files') }),
    remove: () => rm(dir, { recursive: true, force: true }),
  }
})
