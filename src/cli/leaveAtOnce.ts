/**
 * Ends this process with an exit code whatever hangs in it. `process.exit` waits for the threads that work on files, so
 * that a volume that hangs would keep it for ever, and process 1 of a container cannot even kill itself: only another
 * program in its place ends all threads. It is node again, because the image need not hold anything else. Where that
 * cannot be started (too little memory, a file that is gone) Node 24 does not throw, it aborts with a message on stderr:
 * the process ends all the same, with 134 instead of this exit code, and perhaps a core dump.
 */
export function leaveAtOnce(exitCode: number): never {
  try {
    process.execve?.(process.execPath, ['node', '--eval', `process.exit(${exitCode})`], {})
  } catch {
    // A platform without it, or a Node that throws instead of aborting: what follows is all that is left.
  }
  process.exit(exitCode)
}
