import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { expect, inject, test } from 'vitest'

const run = promisify(execFile)
const demoPath = fileURLToPath(new URL('../../sandbox/demo/main.ts', import.meta.url))

test(
  'npm start tells every story, finds that everything adds up, and leaves nothing behind',
  { retry: 0 },
  async () => {
    const { stdout, stderr } = await run(process.execPath, [demoPath], {
      env: { ...process.env, ONFILE_BED_BROKERS: inject('brokers'), ONFILE_BED_REGISTRY_URL: inject('registryUrl') },
    })
    expect(stderr).toBe('')
    expect(stdout).toContain('Everything adds up.')
    expect(stdout).not.toContain('✗')
    expect(stdout).toMatch(/inputs +\d+ = \d+ explained by an outcome \+ 7 dead-lettered \+ 2 ignored/)
    expect(stdout).toMatch(/PAN leaks +0 in/)
    expect(stdout).not.toContain('\u001b[')

    const admin = new Kafka({ brokers: inject('brokers').split(','), logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      const [topics, { groups }] = await Promise.all([admin.listTopics(), admin.listGroups()])
      const names = [...topics, ...groups.map(({ groupId }) => groupId)]
      expect(names.filter(name => name.startsWith('demo-'))).toEqual([])
    } finally {
      await admin.disconnect()
    }
    const subjects = (await (await fetch(`${inject('registryUrl')}/subjects`)).json()) as string[]
    expect(subjects.filter(name => name.startsWith('demo-'))).toEqual([])
  },
)
