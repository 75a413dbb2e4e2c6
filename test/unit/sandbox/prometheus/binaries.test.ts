import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { findPrometheus, PrometheusUnavailableError } from '../../../../sandbox/prometheus/binaries.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'onfile-binaries-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(dir, { recursive: true, force: true })
})

const silent = (): void => undefined

/** A program that does nothing. */
function program(path: string): void {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, '#!/bin/sh\n')
  chmodSync(path, 0o755)
}

describe('Prometheus on this machine', () => {
  test('is taken from the PATH where both of its programs are', async () => {
    vi.stubEnv('PATH', join(dir, 'bin'))
    program(join(dir, 'bin', 'prometheus'))
    program(join(dir, 'bin', 'promtool'))
    expect(await findPrometheus(silent, join(dir, 'cache'))).toEqual({
      prometheus: join(dir, 'bin', 'prometheus'),
      promtool: join(dir, 'bin', 'promtool'),
    })
  })

  test('is taken from the cache, without asking anybody', async () => {
    vi.stubEnv('PATH', '')
    for (const name of ['prometheus', 'promtool']) program(join(dir, 'cache/unpacked/usr/bin', name))
    const { promtool } = await findPrometheus(() => expect.fail('nothing is to be fetched'), join(dir, 'cache'))
    expect(promtool).toBe(join(dir, 'cache/unpacked/usr/bin/promtool'))
  })

  test('is missed with what stood in the way, and nothing half done is left', async () => {
    vi.stubEnv('PATH', '')
    const found = findPrometheus(silent, join(dir, 'cache'))
    await expect(found).rejects.toThrow(PrometheusUnavailableError)
    await expect(found).rejects.toThrow(/prometheus and promtool on the PATH.*apt-get/s)
    expect(readdirSync(join(dir, 'cache'))).toEqual([])
  })
})
