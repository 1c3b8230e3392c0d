/** What a device counts as on its site, in words, and what each kind usually is. */
import type { DeviceKind, DeviceRole } from '@heliograph/crm-core/contracts'

export const ROLE_NAMES: Readonly<Record<DeviceRole, string>> = {
  production: 'Production',
  grid: 'Grid (import and export)',
  load: 'Consumption',
  battery: 'Battery',
  irradiance: 'Irradiance',
  none: 'Nothing',
}
const USUAL: Readonly<Record<DeviceKind, DeviceRole>> = {
  inverter: 'production',
  // A gateway counts only where its inverters do not: the site's rules take it last.
  gateway: 'production',
  meter: 'grid',
  battery: 'battery',
  weather: 'irradiance',
  optimizer: 'none',
  charger: 'load',
}
export function roleOf(kind: DeviceKind): DeviceRole {
  return USUAL[kind]
}
