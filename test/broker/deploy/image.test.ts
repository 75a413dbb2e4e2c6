import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { dockerfileWords, layOutImage } from '../../support/imageFiles.ts'
import { lifecycleEvent } from '../../support/onfile/lifecycleEvent.ts'
import { OnfileRun } from '../../support/onfile/onfileRun.ts'

// No image is built here: that needs a Docker daemon and a base image from a registry. What can go wrong inside one is
// tried without: the compiled sources, only the packages of production, the Dockerfile's own entry point.
let app: string
beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), 'onfile-image-'))
  layOutImage(app)
})
afterAll(() => rmSync(app, { recursive: true, force: true }))

let run: OnfileRun
beforeEach(async () => {
  run = await OnfileRun.create({ brokers: inject('brokers'), registryUrl: inject('registryUrl') })
})
afterEach(async () => {
  await run.close()
})

/** The entry point with the paths of this machine. `prlimit` is Linux's: elsewhere the rest of the words. */
function entryPoint(): [string, ...string[]] {
  const words = dockerfileWords('ENTRYPOINT').map(word =>
    word.replace('/usr/local/bin/node', process.execPath).replace(/^\/app\//, `${app}/`),
  )
  const [command = '', ...rest] = process.platform === 'linux' ? words : words.slice(2)
  return [command, ...rest]
}

describe('what the image holds', () => {
  it('does the work with the packages of production alone, and ends on SIGTERM with exit code 0', async () => {
    const cards = ['a', 'b', 'c'].map((userId, index) => run.addUser(`user-${userId}`, index, [10]))
    const onfile = run.start({}, entryPoint())
    await onfile.ready()
    await run.sendLifecycle(
      ...cards.map(cardRef => ({ key: cardRef, value: lifecycleEvent({ cardRef, type: 'updated' }) })),
    )
    await run.expectExact()
    expect(run.knot.pushes()).toHaveLength(cards.length)
    expect(await onfile.kill('SIGTERM')).toBe(0)
  })

  it('gives nobody a debugger or a core dump', async () => {
    const onfile = run.start({}, entryPoint())
    await onfile.ready()
    process.kill(onfile.pid, 'SIGUSR1')
    await onfile.metrics()
    expect(onfile.alive).toBe(true)
    expect(onfile.log().toString('utf8')).not.toContain('Debugger listening')
    if (process.platform === 'linux') {
      const limits = readFileSync(`/proc/${onfile.pid}/limits`, 'utf8')
      expect(limits).toMatch(/^Max core file size +0 +0 /m)
    }
  })
})
