/** The process of `workerProcess.ts`, started as the product's is (`src/cli/main.ts`): what an earlier start compiled is used. */
import { enableCompileCache, flushCompileCache } from 'node:module'

enableCompileCache()
await import('./workerProcess.ts')
setTimeout(flushCompileCache, 10_000).unref()
