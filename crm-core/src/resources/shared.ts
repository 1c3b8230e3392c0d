/** Helpers of the functions that turn rows into API resources: `…Resource(row, …)`. */
export const time = (value: Date): string => value.toISOString()
export const timeOrNull = (value: Date | null): string | null => value?.toISOString() ?? null

export const stored = (row: { id: string; version: number; createdAt: Date; updatedAt: Date }) => ({
  id: row.id,
  version: row.version,
  createdAt: time(row.createdAt),
  updatedAt: time(row.updatedAt),
})
