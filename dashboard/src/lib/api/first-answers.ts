/** Answers to what the document asked for the page before its scripts were there (see `first-requests.ts` and `app.html`). */
declare global {
  interface Window {
    /** On their way, by address; undefined where the network failed. */
    helioFirst?: Record<string, Promise<Response | undefined>>
  }
}
/** After so long an answer says how it was, not how it is. */
const FRESH_MS = 15_000

/** The answer to a request that the document has made already, handed out once. */
export async function takeFirst(asked: string): Promise<Response | undefined> {
  const answers = typeof window === 'undefined' ? undefined : window.helioFirst
  const answer = answers?.[asked]
  if (!answers || !answer) return undefined
  delete answers[asked]
  return performance.now() < FRESH_MS ? await answer : undefined
}
