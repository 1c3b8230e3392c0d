import { CHARGER_ERRORS, gensetStatus, inverterStatus } from './codes.ts'
import { errors, extras, METER_PHASES, metric, type Put, putMissingSum, type Service, state, used } from './service.ts'

/** Meters, loads, generators and sensors on the bus: what produces nothing by itself. */
const METER: Record<string, Put> = {
  'Ac/Frequency': metric('frequency_hz'),
  'Ac/PowerFactor': metric('power_factor'),
  ...METER_PHASES,
  ...used('Ac/Power', 'ErrorCode', 'NrOfPhases'),
}
export const grid: Service = {
  kind: 'meter',
  paths: {
    ...METER,
    'Ac/Energy/Forward': metric('import_total_wh', 1000),
    'Ac/Energy/Reverse': metric('export_total_wh', 1000),
  },
  finish(built, get) {
    built.metric('grid_power_w', get('Ac/Power'))
    putMissingSum(built, get, 'grid_power_w')
    errors(built, get('ErrorCode'), {})
  },
}
export const load = (kind: Service['kind']): Service => ({
  kind,
  paths: { ...METER, ...extras('Ac/Energy/Forward', 'Ac/Energy/Reverse', 'Status', 'Session/Energy') },
  finish(built, get) {
    built.metric('load_power_w', get('Ac/Power'))
    putMissingSum(built, get, 'load_power_w')
    errors(built, get('ErrorCode'), {})
  },
})
export const genset: Service = {
  kind: 'meter',
  paths: { ...METER_PHASES, ...extras('Ac/Power', 'Ac/Energy/Forward', 'StatusCode'), ...used('ErrorCode') },
  finish(built, get) {
    const code = get('StatusCode')
    if (code !== undefined) built.status(gensetStatus(code))
    errors(built, get('ErrorCode'), {})
  },
}
/** Charger on the grid: what it takes is a load. */
export const charger: Service = {
  kind: 'battery',
  paths: {
    ...extras('Dc/0/Voltage', 'Dc/0/Current', 'Dc/0/Temperature', 'Ac/In/L1/I', 'Mode'),
    'Ac/In/L1/P': metric('load_power_w'),
    ...used('State', 'ErrorCode'),
  },
  finish(built, get) {
    errors(built, get('ErrorCode'), CHARGER_ERRORS)
    state(built, get, inverterStatus)
  },
}
/** Loads on the battery's side. */
export const dcLoad: Service = {
  kind: 'meter',
  paths: {
    ...extras('Dc/0/Voltage', 'Dc/0/Current', 'History/EnergyIn', 'History/EnergyOut'),
    ...used('Dc/0/Power'),
  },
  finish(built, get) {
    const [volts, amperes] = [get('Dc/0/Voltage'), get('Dc/0/Current')]
    const product = volts === undefined || amperes === undefined ? undefined : Math.round(volts * amperes * 10) / 10
    built.metric('load_power_w', get('Dc/0/Power') ?? product)
  },
}
/** Sensors of a temperature; those called outdoor measure the surroundings, the others may sit anywhere. */
export const temperature: Service = {
  kind: 'weather',
  paths: { ...extras('Temperature', 'TemperatureType', 'Humidity', 'Pressure') },
  finish(built, get) {
    if (get('TemperatureType') === 4) built.metric('ambient_temp_c', get('Temperature'))
  },
}

export const meteo: Service = {
  kind: 'weather',
  paths: {
    Irradiance: metric('irradiance_wm2'),
    CellTemperature: metric('module_temp_c'),
    ExternalTemperature: metric('ambient_temp_c'),
    WindSpeed: metric('wind_ms'),
    ...extras('TodaysYield', 'InstallationPower', 'ExternalTemperature2', 'WindDirection'),
    ...used('ErrorCode'),
  },
  finish: (built, get) => errors(built, get('ErrorCode'), {}),
}
