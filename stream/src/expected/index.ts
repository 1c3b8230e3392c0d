export {
  createExpected,
  type Expected,
  type ExpectedOptions,
  type ExpectedRegistry,
  type ExpectedRound,
} from './expected.ts'
export { createWeatherFeed, type WeatherFeed } from './weather.ts'
