import { describe, expect, it } from 'vitest'
import { parseTemplate, valueOf } from './template.ts'

const evaluate = (template: string, payload: unknown) => {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const parsed = parseTemplate(template)
  return parsed === undefined ? 'refused' : valueOf(parsed, text, typeof payload === 'string' ? undefined : payload)
}

describe('value templates', () => {
  it.each([
    ['{{ value }}', '12.5', 12.5],
    ['', '12.5', 12.5],
    ['{{value_json.power}}', { power: 7 }, 7],
    ["{{ value_json['ENERGY']['Power'] }}", { ENERGY: { Power: 9 } }, 9],
    ['{{ value_json.ENERGY.Power[1] }}', { ENERGY: { Power: [1, 2] } }, 2],
    ['{{ value_json["em:0"].total_act_power | float(0) | round(1) }}', { 'em:0': { total_act_power: '558.965' } }, 559],
    ["{{ value_json.get('a') | int }}", { a: 7.9 }, 7],
    ['{{ value_json.p | float * 1000 }}', { p: 5.321 }, 5321],
    ['{{ (value_json.p | float) / 10 | round(2) }}', { p: 31_245 }, 3124.5],
    ['{{ value | float / 1000 }}', '2635', 2.635],
    ['{{ float(value_json.p, 0) / 1000 }}', { p: '2635' }, 2.635],
    ['{{ int(value) }}', '7.9', 7],
    ['{{ value_json.p | multiply(0.001) | round(3) }}', { p: 2635 }, 2.635],
    ['{{ value_json.p | float(default=0) * -1 }}', { p: 12 }, -12],
    ['{{ -value_json.p }}', { p: 12 }, -12],
    ['{{ value_json.t | float - 273.15 }}', { t: 300 }, 26.85],
    ['{{ value_json.p | abs }}', { p: -3 }, 3],
    ['{{ value_json.p | float if value_json.p != None else None }}', { p: 3 }, 3],
    ['{{ value_json.p | float if value_json.p != None else 0 }}', { p: null }, undefined],
    ['{{ (value_json.p | float(0) / 1000) | round(2) }}', { p: 2635 }, 2.64],
    ['{{ value_json.p / 1000 | round(0) | int(0) }}', { p: 2635 }, 2.635],
    ['{{ 1000 * value_json.p }}', { p: 1.5 }, 1500],
    ['{{ -1 * (value_json.p | float) }}', { p: 12 }, -12],
    ['{{ 100 - value_json.p / 10 }}', { p: 250 }, 75],
    ['{{ -value_json.p | abs }}', { p: 3 }, 3],
    ["{{ '%0.1f' | format(value_json.p | float / 10) }}", { p: 2638 }, 263.8],
    ["{{ value_json.get('a', {}).get('b', 0) }}", { a: { b: 4 } }, 4],
    ['{{ value_json.p if value_json.p is defined else 0 }}', { p: 4 }, 4],
    ['{{ value_json.p if value_json.p is defined else 0 }}', {}, undefined],
    ['{% if value_json.p is defined %}{{ value_json.p }}{% else %}0{% endif %}', { p: 5 }, 5],
    ["{% if 'p' in value_json %}{{ value_json.p | float }}{% endif %}", {}, undefined],
    ['{{ value_json.gone | default(0) }}', { other: 1 }, undefined],
    ['{{ value_json.p }}', { p: null }, undefined],
    ['{{ value_json.p }}', { p: 'unavailable' }, undefined],
    ['{{ value_json.p }}', { p: 'abc' }, NaN],
    ['{{ value_json.toString }}', { p: 1 }, undefined],
    ['{{ value_json.__proto__.x }}', { p: 1 }, undefined],
  ])('%s of %j is %s', (template, payload, expected) => {
    expect(evaluate(template, payload)).toEqual(expected)
  })
  it.each([
    '{% if value_json.x %}1{% endif %}',
    '{{ value_json.a + value_json.b }}',
    '{{ value_json.a + 5 * 2 }}',
    '{% if value_json.a > 5 %}{{ value_json.b }}{% endif %}',
    '{{ states("sensor.x") }}',
    '{{ value_json.a | timestamp_local }}',
    '{{ value_json.a }} {{ value_json.b }}',
    '{{ value_json.a.lower() }}',
    '{{ ((((value_json.a)))) }}',
    '{{ value_json.a / 0 }}',
    '{{ 5 - value_json.a - 1 }}',
    `{{ ${'('.repeat(10_000)} }}`,
    `{{ value_json${'.a'.repeat(5000)} }}`,
  ])('refuses %s', (template) => {
    expect(evaluate(template.slice(0, 20_000), {})).toBe('refused')
  })
})
