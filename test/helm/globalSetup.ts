import type { TestProject } from 'vitest/node'
import { ToolUnavailableError } from './tools/cache.ts'
import { helmBinary } from './tools/helm.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of a real Helm; empty where none can be had, and the tests of rendered manifests do not run. */
    helm: string
  }
}

/** A Helm for the tests of the vitest project `chart`. */
export const setup = async (project: TestProject): Promise<void> => {
  try {
    project.provide('helm', await helmBinary())
  } catch (error) {
    if (!(error instanceof ToolUnavailableError)) throw error
    process.stderr.write(`The chart is not rendered: ${error.message}\n`)
    project.provide('helm', '')
  }
}
