/** Headers of the embedded engine's server; here, so that who only speaks to it does not load the engine. */
export const LANE_HEADER = 'x-helio-lane'
export const TOKEN_HEADER = 'x-helio-token'
