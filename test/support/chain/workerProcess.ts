import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import type { TaskStatus } from '../../../src/engine/status.ts'
import type { ChainSettings, CommitCounts, CommittedCycle, Resources, WorkerReport } from './workerProtocol.ts'

const run = promisify(execFile)
const workerFile = fileURLToPath(new URL('./worker.ts', import.meta.url))

/** A worker process, what it reported last and what it logged. */
export class Worker {
  readonly settings: ChainSettings
  readonly process: ChildProcess
  /** Signal or exit code. */
  readonly exited: Promise<number | NodeJS.Signals | null>
  report: WorkerReport | null = null
  /** Every commit that it has reported. */
  readonly cycles: CommittedCycle[] = []
  /** As it reported them, every 200 ms. */
  readonly resources: Resources[] = []
  log = ''
  private rest = ''

  /** With `fileSizeLimitKiB` the process cannot write a longer file: a full disk, for the local store. */
  constructor(settings: ChainSettings, fileSizeLimitKiB?: number) {
    this.settings = settings
    const command = [process.execPath, workerFile]
    const limited = ['sh', '-c', `trap '' XFSZ; ulimit -f ${2 * (fileSizeLimitKiB ?? 0)}; exec "$@"`, 'sh', ...command]
    const [file = '', ...args] = fileSizeLimitKiB === undefined ? command : limited
    const child = spawn(file, args, {
      env: { ...process.env, CHAIN_SETTINGS: JSON.stringify(settings) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.process = child
    child.stdout.on('data', (chunk: Buffer) => this.read(chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => {
      this.log += chunk.toString()
    })
    this.exited = new Promise(resolve => {
      child.once('exit', (code, signal) => resolve(signal ?? code))
    })
  }

  get alive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  get tasks(): readonly TaskStatus[] {
    return this.report?.role.tasks ?? []
  }

  get running(): number {
    return this.tasks.filter(task => task.state === 'running').length
  }

  /** Commits that were in doubt for a while, by how they ended. */
  get commits(): Readonly<CommitCounts> {
    return this.report?.commits ?? { committed: 0, 'found-committed': 0, resent: 0, lost: 0 }
  }

  async kill(): Promise<void> {
    this.process.kill('SIGCONT')
    this.process.kill('SIGKILL')
    await this.exited
  }

  /** SIGTERM; the exit code. */
  async stop(): Promise<number | NodeJS.Signals | null> {
    this.process.kill('SIGTERM')
    return this.exited
  }

  /** True while SIGSTOP holds it. */
  async isStopped(): Promise<boolean> {
    const { stdout } = await run('ps', ['-o', 'state=', '-p', String(this.process.pid)]).catch(() => ({ stdout: '' }))
    return stdout.trim().startsWith('T')
  }

  describe(): string {
    return `${JSON.stringify(this.report)}\n${this.log}`
  }

  private read(chunk: string): void {
    const lines = (this.rest + chunk).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) {
      this.report = JSON.parse(line) as WorkerReport
      this.cycles.push(...this.report.cycles)
      this.resources.push(this.report.resources)
    }
  }
}
