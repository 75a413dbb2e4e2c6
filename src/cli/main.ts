#!/usr/bin/env -S node --disable-sigusr1
import { enableCompileCache, flushCompileCache } from 'node:module'
import { leaveOnSignals } from './earlySignals.ts'
import { endOnUncaught } from './uncaught.ts'

// Before the rest is loaded, which takes a moment.
leaveOnSignals()
endOnUncaught()
// Half of the CPU time of a start is compiling: a restart finds it done. Before everything else is loaded, so no static
// imports here that weigh anything. Where the cache directory cannot be written it is simply not used.
enableCompileCache()
const { runCommandLine } = await import('./commandLine.ts')
// It is written at exit otherwise, which one that is killed never comes to.
setTimeout(flushCompileCache, 10_000).unref()
await runCommandLine(process.argv.slice(2))
