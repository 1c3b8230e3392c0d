import { z } from 'zod'
import { tenantOf } from '@heliograph/crm-core'
import {
  brandSchema,
  brandUpdateSchema,
  idSchema,
  logoUploadSchema,
  meSchema,
  ProblemError,
  profileUpdateSchema,
  thresholdsSchema,
  type Brand,
  type TenantId,
} from '@heliograph/crm-core/contracts'
import type { FastifyRequest } from 'fastify'
import type { RouteModule } from '../http/api.ts'
import { sendEtag, writeOptions } from '../http/etag.ts'
import { callerOf, narrowedCaller } from '../plugins/caller.ts'

const tags = ['settings']
/** A logo's address names its version, so it may be kept; a day, in case it is asked for without. */
const LOGO_CACHE = 'public, max-age=86400'

/** What a tenant and a person set for themselves: brand, thresholds of alarms, profile. */
export const tenantSettingRoutes: RouteModule = (api, { deps }) => {
  const { tenantSettings, auth, users } = deps.crm

  /** The tenant that is named, else the caller's own. Its brand is what it shows to anybody who comes to sign in. */
  function tenantAsked(request: FastifyRequest, named: string | undefined): TenantId {
    const tenantId = (named as TenantId | undefined) ?? request.caller?.tenantId
    if (tenantId === undefined) throw new ProblemError('not_found', 'Name a tenant, or sign in')
    return tenantId
  }
  const whose = z.strictObject({ tenant: idSchema.optional() })

  api.get(
    '/brand',
    {
      config: { policy: 'public' },
      schema: {
        tags,
        summary: 'How a tenant shows itself: name, colour, logo; of the tenant named, else of your own',
        querystring: whose,
        response: { 200: brandSchema },
      },
    },
    async (request, reply) => {
      const { value, version } = await tenantSettings.brand(tenantAsked(request, request.query.tenant))
      sendEtag(reply, version)
      return value
    },
  )
  api.put(
    '/brand',
    {
      config: { policy: { permission: 'tenant:write' } },
      schema: {
        tags,
        summary: "Change your tenant's name and colour; null takes one back",
        body: brandUpdateSchema,
        response: { 200: brandSchema },
      },
    },
    async (request, reply): Promise<Brand> => {
      const caller = narrowedCaller(request)
      const { value, version } = await tenantSettings.setBrand(caller, request.body, writeOptions(request))
      sendEtag(reply, version)
      return value
    },
  )
  api.get(
    '/brand/logo',
    {
      config: { policy: 'public' },
      schema: {
        tags,
        summary: "A tenant's logo",
        querystring: whose.extend({ v: z.string().max(40).optional() }),
      },
    },
    async (request, reply) => {
      const logo = await tenantSettings.logo(tenantAsked(request, request.query.tenant))
      if (logo === undefined) throw new ProblemError('not_found')
      return reply
        .header('content-type', logo.type)
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', LOGO_CACHE)
        .send(Buffer.from(logo.bytes))
    },
  )
  api.put(
    '/brand/logo',
    {
      config: { policy: { permission: 'tenant:write' } },
      schema: {
        tags,
        summary: 'Give your tenant a logo: PNG, JPEG or WebP of at most 64 KiB',
        body: logoUploadSchema,
        response: { 200: brandSchema },
      },
    },
    async (request) =>
      (await tenantSettings.setLogo(narrowedCaller(request), Buffer.from(request.body.data, 'base64'))).value,
  )
  api.delete(
    '/brand/logo',
    {
      config: { policy: { permission: 'tenant:write' } },
      schema: { tags, summary: 'Take the logo away', response: { 204: z.null() } },
    },
    async (request, reply) => {
      await tenantSettings.setLogo(narrowedCaller(request), undefined)
      return reply.code(204).send(null)
    },
  )
  api.get(
    '/thresholds',
    {
      config: { policy: { permission: 'tenant:read' } },
      schema: {
        tags,
        summary: 'From when on alarm rules speak in your tenant',
        response: { 200: thresholdsSchema },
      },
    },
    async (request, reply) => {
      const { value, version } = await tenantSettings.thresholds(tenantOf(callerOf(request)))
      sendEtag(reply, version)
      return value
    },
  )
  api.put(
    '/thresholds',
    {
      config: { policy: { permission: 'tenant:write' } },
      schema: {
        tags,
        summary: 'Change from when on alarm rules speak; they follow within moments',
        body: thresholdsSchema,
        response: { 200: thresholdsSchema },
      },
    },
    async (request, reply) => {
      const caller = narrowedCaller(request)
      const { value, version } = await tenantSettings.setThresholds(caller, request.body, writeOptions(request))
      sendEtag(reply, version)
      return value
    },
  )
  api.patch(
    '/me',
    {
      config: { policy: 'signed-in' },
      schema: {
        tags: ['auth'],
        summary: 'Change your own name and phone',
        body: profileUpdateSchema,
        response: { 200: meSchema },
      },
    },
    async (request) => {
      const caller = callerOf(request)
      await users.updateOwn(caller, request.body)
      return await auth.me(caller)
    },
  )
}
