import { describe, expect, it } from 'vitest'
import { coversFilter, matchesTopic, topicFault } from './topics.ts'

describe('matchesTopic', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/b/c', false],
    ['a/+', 'a', false],
    ['+', '', true],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['a/b/c', 'a/b', false],
  ])('%s selects %s: %s', (filter, topic, expected) => {
    expect(matchesTopic(filter, topic)).toBe(expected)
  })
})

describe('coversFilter', () => {
  it.each([
    ['R/+/keepalive', 'R/1/keepalive', true],
    ['R/+/keepalive', 'R/+/keepalive', true],
    ['R/+/keepalive', 'R/1/+', false],
    ['R/+/keepalive', 'R/#', false],
    ['R/+/keepalive', '#', false],
    ['R/+/keepalive', 'R/+/keepalive/#', true],
    ['R/+/keepalive', 'R/+/keepalive/+', false],
    ['R/+/#', 'R/1/a/b', true],
    ['R/+/#', '+/1/a', false],
    ['R/+/keepalive', '$share/g/R/1/keepalive', false],
  ])('%s grants %s: %s', (pattern, filter, expected) => {
    expect(coversFilter(pattern, filter)).toBe(expected)
  })
})

describe('topicFault', () => {
  const limits = { topicBytes: 20, topicLevels: 4 }
  it.each([
    ['a/b/c/d', undefined],
    ['a/b/c/d/e', 'topic'],
    ['', 'topic'],
    ['x'.repeat(21), 'topic'],
    ['ü'.repeat(11), 'topic'],
    ['$SYS/a', 'reserved-topic'],
    ['a/+', 'topic'],
    ['a/#', 'topic'],
    ['a\u0000b', 'topic'],
    ['a\ufffd', 'topic'],
    ['größe', undefined],
  ])('%j: %s', (topic, expected) => {
    expect(topicFault(topic, limits)).toBe(expected)
  })
})
