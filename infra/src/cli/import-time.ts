/** Times of an imported file: with offset, local in a zone, or counted since 1970. */
import { DateTime, IANAZone } from 'luxon'
import { CliError } from './client.ts'

export interface TimeReader {
  /**
   * @param previous instant of the row before, of the same device: tells the two passes of the doubled hour apart
   * @throws RangeError where the text is no time
   */
  read(text: string, previous?: number): number
}

/**
 * @param timezone IANA zone for times without an offset
 * @param format Luxon tokens (`dd-MM-yyyy HH:mm`), strftime (`%d-%m-%Y %H:%M`), `epoch_s` or `epoch_ms`; absent: ISO 8601
 */
export function timeReader(timezone: string, format?: string): TimeReader {
  const zone = IANAZone.create(timezone)
  if (!zone.isValid) throw new CliError(`"${timezone}" is not an IANA time zone`, 2)
  const tokens = format?.includes('%') ? fromStrftime(format) : format
  const parse = (text: string): DateTime => {
    if (tokens === 'epoch_s') return DateTime.fromSeconds(Number(text))
    if (tokens === 'epoch_ms') return DateTime.fromMillis(Number(text))
    if (tokens !== undefined) return DateTime.fromFormat(text, tokens, { zone, setZone: /[Zz]/.test(tokens) })
    const iso = text.includes(' ') && !text.includes('T') ? text.replace(' ', 'T').replace(/ (?=[+-]\d)/, '') : text
    return DateTime.fromISO(iso, { zone })
  }
  return {
    read(text, previous) {
      const time = text.trim() === '' ? undefined : parse(text.trim())
      if (!time?.isValid) throw new RangeError(`"${text.slice(0, 40)}" is no time${format ? ` of the format ${format}` : ''}`)
      const instant = time.toMillis()
      if (previous === undefined || instant > previous) return instant
      // The hour that happens twice: the later pass, where rows go on from the first one.
      const local = time.setZone(zone)
      const later = local.getPossibleOffsets().map((option) => option.toMillis()).find((option) => option > previous)
      return later ?? instant
    },
  }
}

const STRFTIME: Record<string, string> = {
  Y: 'yyyy', y: 'yy', m: 'MM', d: 'dd', H: 'HH', I: 'hh', M: 'mm', S: 'ss', p: 'a', f: 'SSS', z: 'ZZZ', j: 'ooo', b: 'LLL', B: 'LLLL', e: 'd',
}
function fromStrftime(format: string): string {
  return format.replaceAll(/%(.)|([A-Za-z]+)/g, (_match, directive: string | undefined, literal: string | undefined) => {
    if (literal !== undefined) return `'${literal}'`
    const token = STRFTIME[directive!]
    if (token === undefined) throw new CliError(`--time-format: %${directive} is not understood`, 2)
    return token
  })
}
