import { describe, expect, it } from 'vitest'
import { flowModel, flowSentence } from './flow.ts'

const pairs = (now: Parameters<typeof flowModel>[0]) =>
  flowModel(now)?.flows.map(({ from, to, watts }) => `${from}>${to} ${String(watts)}`)

describe('the flow of a site', () => {
  it('is not drawn where production alone is measured', () => {
    expect(flowModel({ acPowerW: 5000 })).toBeUndefined()
  })
  it('serves the house, then the battery, then the grid', () => {
    expect(pairs({ acPowerW: 8000, loadPowerW: 2000, batteryPowerW: -3000, gridPowerW: -3000 })).toEqual([
      'pv>load 2000',
      'pv>battery 3000',
      'pv>grid 3000',
    ])
  })
  it('works out what the house uses where nobody measures it, and says so', () => {
    const model = flowModel({ acPowerW: 5000, gridPowerW: -3500 })!
    expect(model.nodes.find(({ id }) => id === 'load')).toMatchObject({
      watts: 1500,
      derived: true,
      note: 'worked out',
    })
    expect(model.flows).toEqual([
      { from: 'pv', to: 'load', watts: 1500 },
      { from: 'pv', to: 'grid', watts: 3500 },
    ])
  })
  it('lives from battery and grid by night', () => {
    expect(pairs({ acPowerW: 0, loadPowerW: 3000, batteryPowerW: 2000, gridPowerW: 1000 })).toEqual([
      'battery>load 2000',
      'grid>load 1000',
    ])
  })
  it('charges from the grid, and sells from the battery', () => {
    expect(pairs({ acPowerW: 0, loadPowerW: 500, batteryPowerW: -2000, gridPowerW: 2500 })).toEqual([
      'grid>load 500',
      'grid>battery 2000',
    ])
    expect(pairs({ acPowerW: 0, loadPowerW: 0, batteryPowerW: 2000, gridPowerW: -2000 })).toEqual(['battery>grid 2000'])
  })
  it('does not take noise for a flow, nor a charge without power for a flow', () => {
    expect(pairs({ acPowerW: -3, gridPowerW: 4 })).toEqual([])
    const model = flowModel({ acPowerW: 100, gridPowerW: -100, batterySocPct: 40 })!
    expect(model.nodes.find(({ id }) => id === 'battery')).toMatchObject({ watts: undefined, note: 'resting' })
    expect(model.socPct).toBe(40)
  })
  it('is told in words', () => {
    const watts = (value: number) => `${String(value)} W`
    expect(flowSentence(flowModel({ acPowerW: 0, gridPowerW: 800, loadPowerW: 800 })!, watts)).toBe(
      '800 W from the grid to the house.',
    )
    expect(flowSentence(flowModel({ acPowerW: 0, gridPowerW: 0 })!, watts)).toBe('Nothing flows now.')
  })
})
