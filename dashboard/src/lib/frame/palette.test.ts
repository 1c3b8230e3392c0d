import { describe, expect, it } from 'vitest'
import { hitItems, matching, readRecents, withRecent, type Searchable } from './palette.ts'
import { flatTree, unitOptions, unitsUnder } from '../state/unit-tree.ts'

const item = (title: string, words = ''): Searchable => ({ id: title, group: 'Do', title, icon: 'check', words })

describe('the palette', () => {
  const items = [item('New ticket', 'open'), item('Open fleet'), item('Dark theme', 'look')]
  it('finds by every word, in the title or beside it, beginnings first', () => {
    expect(matching(items, 'open').map(({ title }) => title)).toEqual(['Open fleet', 'New ticket'])
    expect(matching(items, 'do dárk').map(({ title }) => title)).toEqual(['Dark theme'])
    expect(matching(items, 'nothing')).toEqual([])
    expect(matching(items, '  ')).toHaveLength(3)
  })
  it('groups hits by kind, the best kind first', () => {
    const hits = hitItems([
      { kind: 'device', id: 'd', title: 'Inverter', detail: 'SN1' },
      { kind: 'site', id: 's', title: 'Ulm', detail: '' },
      { kind: 'device', id: 'e', title: 'Meter', detail: 'SN2' },
    ])
    expect(hits.map(({ group, href }) => `${group} ${href ?? ''}`)).toEqual([
      'Devices /devices/d',
      'Devices /devices/e',
      'Sites /sites/s',
    ])
  })
  it('remembers what was opened, once each, newest first', () => {
    const one = hitItems([{ kind: 'site', id: 's', title: 'Ulm', detail: '' }])[0]!
    const two = hitItems([{ kind: 'site', id: 't', title: 'Bern', detail: '' }])[0]!
    expect(withRecent(withRecent(withRecent([], one), two), one).map(({ title }) => title)).toEqual(['Ulm', 'Bern'])
    expect(withRecent([], item('A command'))).toEqual([])
  })
  it('reads what was stored with care', () => {
    const icons = new Set(['home'])
    expect(readRecents('[{"title":"A","href":"/sites/a","icon":"home"}]', icons)).toHaveLength(1)
    for (const text of [
      null,
      'nonsense',
      '{}',
      '[null]',
      '[{"title":"A","href":"//evil.test","icon":"home"}]',
      '[{"title":"A","href":"javascript:alert(1)","icon":"home"}]',
      '[{"title":"A","href":"/a","icon":"unknown"}]',
    ])
      expect(readRecents(text, icons)).toEqual([])
  })
})

describe('the tree of units', () => {
  const units = [
    { id: 'b', parentId: 'a', name: 'North' },
    { id: 'a', parentId: null, name: 'All' },
    { id: 'c', parentId: 'b', name: 'Ulm' },
    { id: 'd', parentId: 'hidden', name: 'Part' },
  ]
  it('is told from top to bottom; who sees a part sees it at the top', () => {
    expect(flatTree(units).map(({ id, depth }) => `${id}${String(depth)}`)).toEqual(['a0', 'b1', 'c2', 'd0'])
    expect(unitOptions(flatTree(units)).map(({ value, label }) => `${value}|${label}`)).toEqual([
      'a|All',
      'b|\u00a0\u00a0\u00a0North',
      'c|\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0Ulm',
      'd|Part',
    ])
    expect([...unitsUnder(units, 'b')]).toEqual(['b', 'c'])
    expect([...unitsUnder(units, 'nobody')]).toEqual(['nobody'])
  })
  it('ends where it goes round', () => {
    expect(
      flatTree([
        { id: 'x', parentId: 'y', name: 'x' },
        { id: 'y', parentId: 'x', name: 'y' },
      ]),
    ).toEqual([])
    expect(
      unitsUnder(
        [
          { id: 'x', parentId: 'y', name: '' },
          { id: 'y', parentId: 'x', name: '' },
        ],
        'x',
      ).size,
    ).toBe(2)
  })
})
