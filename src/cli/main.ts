#!/usr/bin/env -S node --disable-sigusr1
import { enableCompileCache } from 'node:module'

// Half of the CPU time of a start is compiling: a restart finds it done. Before everything else is loaded, so no static
// imports here. Where the cache directory cannot be written it is simply not used.
enableCompileCache()
const { runCommandLine } = await import('./commandLine.ts')
await runCommandLine(process.argv.slice(2))
