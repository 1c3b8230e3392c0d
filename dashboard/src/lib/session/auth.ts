/** The calls around signing in. */
import type { Me, Session as SessionInfo } from '@heliograph/crm-core/contracts'
import { api } from '#lib/api/api.ts'
import type { ListOf } from '#lib/api/client.ts'

export type LoginAnswer = Me | { mfaRequired: true }

export const login = (email: string, password: string) =>
  api.post<LoginAnswer>('/auth/login', { email, password }, { anonymous: true })
export const confirmCode = (code: string) => api.post<Me>('/auth/mfa', { code }, { anonymous: true })
export const logout = () => api.post<undefined>('/auth/logout', undefined, { anonymous: true })
export const me = () => api.get<Me>('/me', { anonymous: true })
export const requestReset = (email: string) => api.post<undefined>('/auth/reset', { email }, { anonymous: true })
export const confirmReset = (token: string, password: string) =>
  api.post<undefined>('/auth/reset/confirm', { token, new: password }, { anonymous: true })
export const changePassword = (current: string, next: string) =>
  api.post<undefined>('/auth/password', { current, new: next })
export const sessions = () => api.get<ListOf<SessionInfo>>('/auth/sessions')
export const endSession = (id: string) => api.delete(`/auth/sessions/${encodeURIComponent(id)}`)
