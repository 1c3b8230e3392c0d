/** The first thing a customer reads: one sentence on whether all is well, without jargon and without alarm codes. */
import type { LiveSite } from '@heliograph/crm-core/contracts'

export interface PlainSentence {
  text: string
  tone: 'good' | 'calm' | 'warn' | 'bad'
}

/** @param values of the customer's own systems; undefined for one that nothing is known of */
export function plainSentence(values: readonly (LiveSite | undefined)[]): PlainSentence {
  const of = (status: LiveSite['status']) => values.filter((value) => value?.status === status).length
  const many = values.length > 1
  if (values.length === 0) return { text: 'No system has been set up for you yet.', tone: 'calm' }
  const down = of('down')
  if (down > 0)
    return {
      text: many
        ? `${numberWord(down)} of your systems ${down === 1 ? 'is' : 'are'} not producing although there should be sun.`
        : 'Your system is not producing although there should be sun.',
      tone: 'bad',
    }
  const degraded = of('degraded')
  if (degraded > 0 && values.every((value) => value?.night))
    return {
      text: many
        ? `It is night. ${numberWord(degraded)} of your systems made less than expected when ${degraded === 1 ? 'it' : 'they'} last ran.`
        : 'It is night. Your system made less than expected when it last ran.',
      tone: 'warn',
    }
  if (degraded > 0)
    return {
      text: many
        ? `${numberWord(degraded)} of your systems ${degraded === 1 ? 'makes' : 'make'} less than expected.`
        : 'Your system makes less than expected.',
      tone: 'warn',
    }
  const silent = of('silent')
  if (silent > 0)
    return {
      text: many
        ? `We cannot reach ${numberWord(silent, true)} of your systems; they may well be producing.`
        : 'We cannot reach your system; it may well be producing.',
      tone: 'warn',
    }
  const known = values.filter((value) => value !== undefined && value.status !== 'unknown')
  if (known.length === 0) return { text: 'Nothing has been heard from your system yet.', tone: 'calm' }
  if (known.every((value) => value?.night)) return { text: 'It is night. All is well.', tone: 'good' }
  if (!many && values[0]?.verdict?.kind === 'as-expected')
    return { text: 'Your system is producing as much as it should.', tone: 'good' }
  if (of('producing') > 0)
    return {
      text: many ? 'Your systems are producing. All is well.' : 'Your system is producing. All is well.',
      tone: 'good',
    }
  return {
    text: many ? 'Your systems are resting. All is well.' : 'Your system is resting. All is well.',
    tone: 'good',
  }
}

function numberWord(value: number, small = false): string {
  const words = ['None', 'One', 'Two', 'Three', 'Four', 'Five']
  const word = words[value] ?? String(value)
  return small ? word.toLowerCase() : word
}
