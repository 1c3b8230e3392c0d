/** Where somebody stands on the way from an empty instance to a site that shows values. */
export const STEPS = ['customer', 'site', 'connection', 'message', 'claim'] as const
export type Step = (typeof STEPS)[number]

export interface Progress {
  customer: boolean
  site: boolean
  connection: boolean
  /** A message has come by the connection. */
  message: boolean
  /** A device stands at the site. */
  claim: boolean
}

/** The first step that is still to be done; undefined: all are. What comes later may be done already, by another way. */
export const stepOf = (progress: Progress): Step | undefined => STEPS.find((step) => !progress[step])
