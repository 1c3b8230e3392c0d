/** Writes infra/docs/openapi.json: the API as its own routes describe it, so that a change of it is seen in review. */
import { join } from 'node:path'
import { type ApiDeps, createApi } from '@heliograph/api'
import { Registry } from 'prom-client'
import { writeGenerated } from './write-generated.ts'

/** Describing a route calls nothing of what it stands on: whatever is asked for is a function that does nothing. */
const nothing: unknown = new Proxy(() => nothing, { get: (_target, name) => (name === 'then' ? undefined : nothing) })

const metrics = new Registry()
const deps = new Proxy({} as ApiDeps, { get: (_target, name) => (name === 'metrics' ? metrics : nothing) })
const api = createApi(deps, { publicUrl: 'http://127.0.0.1:8080', secret: 'describes-only-secret' })
await api.ready()
const { body } = await api.inject('/api/v1/openapi.json')
await api.close()
await writeGenerated(join(import.meta.dirname, '../docs/openapi.json'), body, 'json')
