import type { TestProject } from 'vitest/node'
import { startBed } from '../../sandbox/bed/bed.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** `host:port`, comma separated. */
    brokers: string
    /** Base URL of the registry's Confluent-compatible API. */
    registryUrl: string
  }
}

/** One bed for all files of the vitest project `broker`; they get it with `inject('brokers')`, `inject('registryUrl')`. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const startedAtMs = Date.now()
  const bed = await startBed()
  project.provide('brokers', bed.brokers)
  project.provide('registryUrl', bed.registryUrl)
  const tookS = ((Date.now() - startedAtMs) / 1000).toFixed(1)
  process.stderr.write(`Bed (${bed.how}) up after ${tookS} s: ${bed.brokers} ${bed.registryUrl}\n`)
  return () => bed.stop()
}
