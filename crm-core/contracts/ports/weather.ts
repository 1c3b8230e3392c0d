/**
 * What the weather was (and is forecast to be) at a place. Off by default: asking a service tells it where the sites are.
 */
export interface WeatherHour {
  /** Start of the hour, UTC milliseconds. */
  ts: number
  /** Mean global horizontal irradiance of the hour, W/m². */
  ghiWm2: number
  /** °C; m/s. Absent is not told. */
  ambientC?: number
  windMs?: number
}
export interface WeatherService {
  /**
   * Hours of the last days up to now, in order of time.
   * @param place degrees, north and east positive
   * @throws Error when the service cannot be reached or answers something else; the caller asks again later
   */
  recent(place: { latitude: number; longitude: number }): Promise<WeatherHour[]>
}
