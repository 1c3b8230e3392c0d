import type { RegistrySite } from '@heliograph/crm-core/contracts'
import type { Plant } from '../solar/plant-model.ts'

/** What the model needs of a site. */
export const plantOf = ({ latitude, longitude, peakPowerW, acCapacityW, arrays }: RegistrySite): Plant => ({
  ...(latitude !== undefined && longitude !== undefined && { latitude, longitude }),
  ...(peakPowerW !== undefined && { peakPowerW }),
  ...(acCapacityW !== undefined && { acCapacityW }),
  arrays: arrays ?? [],
})
