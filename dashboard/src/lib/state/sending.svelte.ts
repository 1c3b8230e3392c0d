import { asApiError, type ApiError } from '#lib/api/problem.ts'

/** What a form sends: one at a time, and what went wrong until the next try. */
export class Sending {
  busy = $state(false)
  error = $state.raw<ApiError>()

  /** @param send what it throws stands in `error` */
  async submit(event: SubmitEvent | undefined, send: () => Promise<void>): Promise<void> {
    event?.preventDefault()
    if (this.busy) return
    this.busy = true
    this.error = undefined
    try {
      await send()
    } catch (caught) {
      this.error = asApiError(caught)
    } finally {
      this.busy = false
    }
  }
}
