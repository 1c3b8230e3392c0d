import { describe, expect, it } from 'vitest'
import { sma } from './sma.ts'

const decode = (body: unknown, topic?: string) =>
  sma.decode(
    {
      body: new TextEncoder().encode(JSON.stringify(body)),
      transport: 'mqtt',
      receivedAt: 1_700_000_000_000,
      ...(topic !== undefined && { topic }),
    },
    sma.initialState?.() as Parameters<typeof sma.decode>[1],
  )
const live = (component: string, values: Record<string, unknown>) =>
  Object.entries(values).map(([name, value]) => ({
    channelId: `Measurement.${name}`,
    componentId: component,
    values: [{ time: '2022-11-21T10:00:55Z', value }],
  }))

describe('a data manager', () => {
  it('tells of the plant’s connection point and its batteries', () => {
    const plant = {
      'GridMs.TotW': 1500,
      'Metering.PCCMs.PlntW': 200,
      'Metering.PCCMs.PlntCsmpW': 0,
      'Metering.PCCMs.PlntWh': 654_321,
      'Metering.PCCMs.PlntCsmpWh': 123_456,
      'Metering.GridMs.TotWIn.Bat': 500,
      'Metering.GridMs.TotWOut.Bat': 0,
    }
    expect(decode(live('Plant:1', plant)).readings[0]).toMatchObject({
      metrics: {
        ac_power_w: 1500,
        grid_power_w: -200,
        battery_power_w: -500,
        import_total_wh: 123_456,
        export_total_wh: 654_321,
      },
      attributes: { kind: 'gateway' },
    })
  })
  it.each([
    [0, 340, 340],
    [-340, 340, 340],
    [0, 0, 0],
    [undefined, 340, 340],
    [120, undefined, -120],
  ])('takes %s fed in and %s drawn for %s from the grid', (fedIn, drawn, watts) => {
    const both = { 'Metering.PCCMs.PlntW': fedIn, 'Metering.PCCMs.PlntCsmpW': drawn }
    expect(decode(live('Plant:1', both)).readings[0]?.metrics).toEqual({ grid_power_w: watts })
  })
  it('has single values of older inverters, and a channel for each input in the cloud', () => {
    const old = { 'GridMs.TotW': 700, 'DcMs.Watt': 720, 'DcMs.Vol': 410, 'Coolsys.Inverter.TmpVal': 41 }
    expect(decode(live('Device:1', old)).readings[0]).toMatchObject({
      metrics: { dc_power_w: 720, inverter_temp_c: 41 },
      dc: [{ voltage_v: 410, power_w: 720 }],
    })
    const cloud = { 'DcMs.Watt[0]': 700, 'DcMs.Watt[1]': 800, 'DcMs.Vol[1]': 400 }
    expect(decode(live('Device:2', cloud)).readings[0]).toMatchObject({
      metrics: { dc_power_w: 1500 },
      dc: [{ power_w: 700 }, { voltage_v: 400, power_w: 800 }],
      attributes: { kind: 'inverter' },
    })
  })
})

describe('a reader of Speedwire', () => {
  const spot = { InvSerial: '2120000001', PACTot: '0,000', EToday: '16,871', ETotal: '20552,409' }
  it('may write a decimal comma', () => {
    const { readings, rejected } = decode(spot, 'sbfspot')
    expect(readings[0]?.metrics).toEqual({ ac_power_w: 0, energy_day_wh: 16_871, energy_total_wh: 20_552_409 })
    expect(rejected).toEqual([])
  })
  it('has a grid where there is a meter', () => {
    const grid = (MeteringWIn: number, MeteringWOut: number) =>
      decode({ ...spot, MeteringWIn, MeteringWOut }).readings[0]?.metrics.grid_power_w
    expect([grid(0, 2022), grid(310, 0), grid(0, 0)]).toEqual([-2022, 310, undefined])
  })
})

describe('sets of a device in the cloud', () => {
  const set = (setType: string, entry: object) =>
    decode({
      plant: { plantId: '1', timezone: 'Europe/Berlin' },
      device: { deviceId: '2', timezone: 'Europe/Berlin' },
      setType,
      resolution: 'FiveMinutes',
      set: [{ time: '2024-06-10T13:05:00', ...entry }],
    }).readings[0]
  it('have phases and inputs', () => {
    expect(
      set('PowerAc', { activePower: 900, voltagePhaseA: 231, currentPhaseA: 3.9, gridFrequency: 50 }),
    ).toMatchObject({
      device: '2',
      ts: Date.parse('2024-06-10T13:05:00+02:00'),
      metrics: { ac_power_w: 900, frequency_hz: 50 },
      ac: [{ voltage_v: 231, current_a: 3.9 }],
    })
    const inputs = {
      dcPowerInput: [500, 410],
      dcVoltageInput: [
        { index: 'A', value: 380 },
        { index: 'B', value: 372 },
      ],
    }
    expect(set('PowerDc', inputs)).toMatchObject({
      metrics: { dc_power_w: 910 },
      dc: [
        { voltage_v: 380, power_w: 500 },
        { voltage_v: 372, power_w: 410 },
      ],
    })
  })
  it('have the weather', () => {
    expect(set('Sensor', { externalInsolation: 812, moduleTemperature: 41, ambientTemperature: 23 })).toMatchObject({
      metrics: { irradiance_wm2: 812, module_temp_c: 41, ambient_temp_c: 23 },
      attributes: { kind: 'weather' },
    })
  })
})
