import { z } from 'zod'
import type { RouteModule } from '../http/api.ts'

/** What the pages must know of how this server is set up. */
export const pageSettingsRoutes: RouteModule = (api, { config }) => {
  api.get(
    '/page-settings',
    {
      config: { policy: 'signed-in' },
      schema: {
        tags: ['pages'],
        summary: 'Settings of this server that its pages follow',
        response: {
          200: z.object({
            /** MapLibre style with real tiles; null: the outlines that come with the pages. */
            mapStyleUrl: z.string().nullable(),
            /** Ports on which devices reach the MQTT edge; `tlsPort` null where it is not served by TLS. */
            mqtt: z.object({ port: z.int(), tlsPort: z.int().nullable() }).nullable(),
          }),
        },
      },
    },
    () => ({
      mapStyleUrl: config.mapStyleUrl ?? null,
      mqtt: config.mqtt === undefined ? null : { port: config.mqtt.port, tlsPort: config.mqtt.tlsPort ?? null },
    }),
  )
}
