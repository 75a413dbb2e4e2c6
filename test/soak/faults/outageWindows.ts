import { setTimeout as wait } from 'node:timers/promises'
import type { OnfileRun } from '../../support/onfile/onfileRun.ts'

/** How often everything goes wrong for everybody, and for how long. */
export interface WindowTimes {
  readonly everyMs: number
  readonly forMs: number
}

interface OutageKind {
  readonly name: string
  readonly begin: (run: OnfileRun) => void
  readonly end: (run: OnfileRun) => void
}

const KINDS: readonly OutageKind[] = [
  {
    name: 'Knot: 401 to everything',
    begin: ({ knot }) => knot.setOutage({ status: 401 }),
    end: ({ knot }) => knot.setOutage(null),
  },
  {
    name: 'Knot: 403 to every push',
    begin: ({ knot }) => knot.denyAccess(true),
    end: ({ knot }) => knot.denyAccess(false),
  },
  {
    name: 'vault and directory: 503 to everything',
    begin: ({ vault }) => vault.setOutage(true),
    end: ({ vault }) => vault.setOutage(false),
  },
  {
    name: 'Knot: 503 to everything',
    begin: ({ knot }) => knot.setOutage({ status: 503, retryAfter: 1 }),
    end: ({ knot }) => knot.setOutage(null),
  },
]

/** Windows in which Knot or the vault serves nobody, one kind after the other. */
export class OutageWindows {
  /** By kind. */
  readonly opened = new Map<string, number>()
  private readonly run: OnfileRun
  private readonly times: WindowTimes

  constructor(run: OnfileRun, times: WindowTimes) {
    this.run = run
    this.times = times
  }

  /** Resolves when `ended` and each kind has happened at least once; every window is closed then. */
  async openAndClose(ended: () => boolean): Promise<void> {
    for (let turn = 0; !ended() || this.opened.size < KINDS.length; turn++) {
      await this.pause(this.times.everyMs, ended)
      if (ended() && this.opened.size === KINDS.length) return
      const { name, begin, end } = KINDS[turn % KINDS.length]!
      begin(this.run)
      this.opened.set(name, (this.opened.get(name) ?? 0) + 1)
      await wait(this.times.forMs)
      end(this.run)
    }
  }

  private async pause(forMs: number, ended: () => boolean): Promise<void> {
    const untilMs = Date.now() + forMs
    while (Date.now() < untilMs && !(ended() && this.opened.size === KINDS.length)) await wait(100)
  }
}
