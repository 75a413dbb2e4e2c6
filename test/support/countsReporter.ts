import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one plain line, `N passed, N failed`, that people and machines read; names each test that was skipped or needed a second attempt. */
export class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0
    let failed = unhandledErrors.length
    let skipped = 0
    for (const module of modules) {
      if (module.errors().length > 0) failed++
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') {
          passed++
          const failure = test.attempts().find(attempt => attempt.state === 'failed')
          if (failure !== undefined)
            process.stdout.write(`passed at a second attempt: ${test.fullName}: ${failure.errors?.[0]?.message}\n`)
        } else if (state === 'failed') failed++
        else {
          skipped++
          process.stdout.write(`skipped: ${test.fullName}\n`)
        }
      }
    }
    const tail = skipped > 0 ? `, ${skipped} skipped` : ''
    // After the summaries of the other reporters.
    process.once('exit', () => process.stdout.write(`\n${passed} passed, ${failed} failed${tail}\n`))
  }
}
