import type { HandleClientError } from '@sveltejs/kit/hooks'
import { ApiError } from '#lib/api/problem.ts'

/** What browsers say of a script that did not come: the server is gone, or a new release took the script away. */
const NOT_LOADED = /dynamically imported module|module script|failed to fetch|load failed|networkerror/i

/** Tells the page of errors what it was, so that a server that is gone is not called a fault. */
export const handleError: HandleClientError = ({ error }) => {
  if (error instanceof ApiError) return { code: error.code, message: error.message }
  return error instanceof TypeError && NOT_LOADED.test(error.message) ? { code: 'offline' } : {}
}
