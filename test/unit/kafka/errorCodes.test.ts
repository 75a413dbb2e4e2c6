import { describe, expect, it } from 'vitest'
import { errorName, remedyOf } from '../../../src/kafka/errorCodes.ts'

describe('what a broker answers', () => {
  it.each([
    ['INVALID_TOPIC_EXCEPTION', 17, 'topic name'],
    ['INVALID_TIMESTAMP', 32, 'the clock of this host'],
    ['INVALID_PARTITIONS', 37, 'number of partitions'],
    ['INVALID_REPLICATION_FACTOR', 38, 'topics.replicationFactor'],
    ['INVALID_CONFIG', 40, 'setting'],
    ['POLICY_VIOLATION', 44, 'policy'],
    ['FENCED_INSTANCE_ID', 82, 'kafka.groupInstanceId'],
  ])('to what the operator has set wrongly is for the operator: %s', (name, code, what) => {
    expect(errorName(code)).toBe(name)
    expect(remedyOf(code)).toContain('the operator must')
    expect(remedyOf(code)).toContain(what)
  })

  it('that nobody has heard of is for the owner of the cluster and for us', () => {
    expect(remedyOf(31_000)).toMatch(/not known to this release; the owner of the cluster .* report it/)
  })

  it.each([22, 25, 27, 47, 49, 59, 79, 90])('to one that was replaced asks nobody to act: %d', code => {
    expect(remedyOf(code)).toBe('')
  })
})
