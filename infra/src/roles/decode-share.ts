/** Of one of several decoders: how much of the line it has. Told to who asks how the line stands. */
export interface DecodeShare {
  /** Partitions that are its own now; null where the log shares none out. */
  partitions: number | null
  /** How often they were shared out anew since it began. */
  rebalances: number
}
