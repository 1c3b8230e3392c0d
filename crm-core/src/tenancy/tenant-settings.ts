import { createHash } from 'node:crypto'
import {
  DEFAULT_THRESHOLDS,
  LOGO_TYPES,
  MAX_LOGO_BYTES,
  ProblemError,
  thresholdsSchema,
  type Brand,
  type BrandUpdate,
  type Caller,
  type LogoType,
  type ReadDb,
  type Row,
  type TenantId,
  type Thresholds,
  type WriteOptions,
  type WriteTx,
} from '../../contracts/index.ts'
import { registryTenant, THRESHOLDS_SETTING } from '../assets/registry-facts.ts'
import { isSystem } from '../database/policy.ts'
import type { CrmDeps } from '../deps.ts'
import { elevated, narrowCaller, tenantOf } from '../rights/callers.ts'

const BRAND_SETTING = 'brand'
const LOGO_SETTING = 'brand-logo'

interface StoredBrand {
  name?: string
  accentColor?: string
}
interface StoredLogo {
  type: LogoType
  /** Base64. */
  data: string
}
/** A setting as it is, with the number that a change must name; 0 where nothing was set yet. */
export interface Versioned<T> {
  value: T
  version: number
}

/** What a tenant sets for itself beside its people: how it shows itself, and from when on alarm rules speak. */
export function createTenantSettings({ db }: CrmDeps) {
  const read = (tenantId: TenantId): ReadDb => db.systemIn(tenantId, 'settings')
  const settingOf = (reader: ReadDb, name: string): Promise<Row<'setting'> | undefined> =>
    reader.first('setting', { name })

  /** Writes in the caller's name once its right is clear: the tenant is more than a unit of it. */
  function writer(caller: Caller) {
    const narrow = narrowCaller(caller, 'tenant:write')
    if (!isSystem(caller) && narrow.siteScope !== 'tenant') throw new ProblemError('forbidden')
    return db.as(elevated(caller, 'settings'))
  }
  async function put(tx: WriteTx, name: string, value: unknown, { ifVersion }: WriteOptions = {}): Promise<number> {
    const found = await tx.first('setting', { name })
    if (ifVersion !== undefined && ifVersion !== (found?.version ?? 0)) throw new ProblemError('stale')
    if (found === undefined) return (await tx.create('setting', { name, value })).version
    return (await tx.update('setting', found.id, { value })).version
  }

  /** @throws ProblemError `not_found` for a tenant that is not there */
  async function brand(tenantId: TenantId): Promise<Versioned<Brand>> {
    const reader = read(tenantId)
    const [tenant, setting, logo] = await Promise.all([
      db.system.first('tenant', { id: tenantId }),
      settingOf(reader, BRAND_SETTING),
      settingOf(reader, LOGO_SETTING),
    ])
    if (tenant === undefined || tenant.status !== 'active') throw new ProblemError('not_found')
    const { name = tenant.name, accentColor } = (setting?.value ?? {}) as StoredBrand
    const picture = logo?.value as StoredLogo | undefined
    return {
      value: {
        name,
        ...(accentColor === undefined ? {} : { accentColor }),
        ...(picture ? { logoUrl: `/api/v1/brand/logo?tenant=${tenantId}&v=${shortHash(picture.data)}` } : {}),
      },
      version: setting?.version ?? 0,
    }
  }

  async function setBrand(caller: Caller, changes: BrandUpdate, options?: WriteOptions): Promise<Versioned<Brand>> {
    await writer(caller).transaction(async (tx) => {
      const stored = ((await tx.first('setting', { name: BRAND_SETTING }))?.value ?? {}) as StoredBrand
      const merged = { ...stored, ...changes }
      const value = Object.fromEntries(Object.entries(merged).filter(([, each]) => each !== null))
      await put(tx, BRAND_SETTING, value, options)
    })
    return await brand(tenantOf(caller))
  }

  async function logo(tenantId: TenantId): Promise<{ bytes: Uint8Array; type: LogoType } | undefined> {
    const stored = (await settingOf(read(tenantId), LOGO_SETTING))?.value as StoredLogo | undefined
    return stored ? { bytes: Buffer.from(stored.data, 'base64'), type: stored.type } : undefined
  }
  /** @throws ProblemError `invalid_fields` for what is not a PNG, JPEG or WebP, `too_large` above 64 KiB */
  async function setLogo(caller: Caller, bytes: Uint8Array | undefined): Promise<Versioned<Brand>> {
    let value: StoredLogo | null = null
    if (bytes !== undefined) {
      if (bytes.byteLength > MAX_LOGO_BYTES)
        throw new ProblemError('too_large', `A logo has at most ${MAX_LOGO_BYTES / 1024} KiB`)
      const type = pictureType(bytes)
      if (type === undefined)
        throw new ProblemError('invalid_fields', 'A logo is a PNG, JPEG or WebP picture', {
          errors: [{ path: 'data', message: `is none of ${LOGO_TYPES.join(', ')}` }],
        })
      value = { type, data: Buffer.from(bytes).toString('base64') }
    }
    await writer(caller).transaction(async (tx) => {
      if (value !== null) await put(tx, LOGO_SETTING, value)
      else await tx.removeWhere('setting', { name: LOGO_SETTING })
    })
    return await brand(tenantOf(caller))
  }

  async function thresholds(tenantId: TenantId): Promise<Versioned<Thresholds>> {
    const setting = await settingOf(read(tenantId), THRESHOLDS_SETTING)
    const parsed = thresholdsSchema.safeParse(setting?.value)
    return { value: parsed.success ? parsed.data : DEFAULT_THRESHOLDS, version: setting?.version ?? 0 }
  }
  /** The rules follow within moments: they learn it as an event of the tenant. */
  async function setThresholds(
    caller: Caller,
    value: Thresholds,
    options?: WriteOptions,
  ): Promise<Versioned<Thresholds>> {
    const version = await writer(caller).transaction(async (tx) => {
      const next = await put(tx, THRESHOLDS_SETTING, value, options)
      const tenant = await tx.get('tenant', tenantOf(caller))
      tx.emit({ type: 'tenant.upserted', tenant: registryTenant(tenant, { value }) })
      return next
    })
    return { value, version }
  }

  return { brand, setBrand, logo, setLogo, thresholds, setThresholds }
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12)

/** What a picture is by its first bytes; whatever a name or a header says of it is not asked. */
export function pictureType(bytes: Uint8Array): LogoType | undefined {
  const at = (offset: number, ...expected: number[]): boolean =>
    bytes.length > offset + expected.length && expected.every((byte, index) => bytes[offset + index] === byte)
  if (at(0, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'image/png'
  if (at(0, 0xff, 0xd8, 0xff)) return 'image/jpeg'
  if (at(0, 0x52, 0x49, 0x46, 0x46) && at(8, 0x57, 0x45, 0x42, 0x50)) return 'image/webp'
  return undefined
}
