import { expect, it } from 'vitest'
import { onfile } from './commandLine.ts'

const KAFKA = { ONFILE_KAFKA_BROKERS: 'broker:9092' }

function leave(commandLine: string, member: readonly string[], environment: NodeJS.ProcessEnv = KAFKA) {
  return onfile(commandLine, environment, {
    leaveGroups: (config, instanceId) =>
      Promise.resolve(
        config.roles.map(role => ({ groupId: `onfile-${role}`, removed: member.includes(`${role} ${instanceId}`) })),
      ),
  })
}

it('names the groups that an instance has left, and those that it was not in', async () => {
  const { code, out } = await leave('leave --instance pod-2 --roles ingest,decide', ['decide pod-2'])
  expect(code).toBe(0)
  expect(out.split('\n')).toEqual(['  onfile-ingest: pod-2 is no member', '✓ onfile-decide: pod-2 has left'])
})

it('is 1 where no group knows the instance, and says what to check', async () => {
  const { code, err } = await leave('leave --instance pod-9', ['decide pod-2'])
  expect(code).toBe(1)
  expect(err).toContain('pod-9 is in none of these groups: check --instance, application.id and roles')
})

it.each([
  ['no instance', 'leave', KAFKA, 64],
  ['no Kafka', 'leave --instance pod-2', {}, 78],
])('asks nobody with %s', async (_, commandLine, environment, code) => {
  expect(await leave(commandLine, ['decide pod-2'], environment)).toMatchObject({ code, out: '' })
})
