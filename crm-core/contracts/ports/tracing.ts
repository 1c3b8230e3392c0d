/**
 * Traces of a few messages on their way from an edge to a page, for whoever looks for where time goes. A message that is traced
 * carries its W3C `traceparent` in the records that it becomes; all others carry nothing and cost nothing.
 */
export type TraceFacts = Readonly<Record<string, string | number>>

export interface TraceStep {
  /** What the next step follows: `00-<trace>-<span>-01`. */
  readonly traceparent: string
  end(error?: unknown): void
}
export interface Tracing {
  /**
   * Begins a trace for one call in so many; undefined for all others.
   * @param facts nothing that names a person, and no value that was measured
   */
  begin(step: string, facts?: TraceFacts): TraceStep | undefined
  /** A step of a trace that a record carries. */
  follow(traceparent: string, step: string, facts?: TraceFacts): TraceStep
}
