import { expect, it } from 'vitest'
import { mergeParts } from './merge-parts.ts'

it('tells of several processes the worst state and all of the lag, of one what it said', () => {
  const one = { name: 'mqtt', state: 'ok', lag: 0 } as const
  expect(mergeParts([{ parts: [one] }])).toEqual([one])
  expect(
    mergeParts([
      { parts: [{ ...one, lag: 3 }] },
      { parts: [{ name: 'mqtt', state: 'degraded', lag: 4, detail: 'pushes back' }] },
      { parts: [one, { name: 'brokers', state: 'down', lag: null }] },
    ]),
  ).toEqual([
    { name: 'mqtt', state: 'degraded', lag: 7, detail: '3 processes; pushes back' },
    { name: 'brokers', state: 'down', lag: null },
  ])
})

it('keeps that a part is vital', () => {
  const one = { name: 'mqtt', state: 'down', lag: null, vital: true } as const
  expect(mergeParts([{ parts: [one] }])).toEqual([one])
})
