import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClassicLevel } from 'classic-level'

/** Another process works in the state directory. Exit code 78. */
export class StateLockedError extends Error {
  override readonly name = 'StateLockedError'
  readonly code = 'STATE_LOCKED'
  /** Process that holds the lock, null where it has not said so yet. */
  readonly ownerPid: number | null

  constructor(directory: string, ownerPid: number | null) {
    const who = ownerPid === null ? 'another process' : `process ${ownerPid}`
    super(
      `The state directory ${directory} is in use by ${who}: stop that process, or give this one a state.dir of its own`,
    )
    this.ownerPid = ownerPid
  }
}

/** The state directory cannot be created or written. Exit code 78. */
export class StateDirectoryError extends Error {
  override readonly name = 'StateDirectoryError'
  readonly code = 'STATE_DIRECTORY_UNUSABLE'

  constructor(directory: string, cause: unknown) {
    super(`The state directory ${directory} cannot be used: ${reasonOf(cause)}. Its owner must make it writable`, {
      cause,
    })
  }
}

/**
 * The right to work in a state directory. LevelDB's own lock does it: an advisory lock of the kernel on a file, which
 * ends with the process however that dies, holds across containers on one machine, and knows no stale owner. The pid
 * beside it is for the message only.
 */
export class StateLock {
  readonly directory: string
  private readonly db: ClassicLevel

  private constructor(directory: string, db: ClassicLevel) {
    this.directory = directory
    this.db = db
  }

  /** @throws StateLockedError, StateDirectoryError */
  static async acquire(directory: string): Promise<StateLock> {
    const location = join(directory, 'lock')
    try {
      await makeDirectory(location)
      const db = await openLock(location)
      const lock = new StateLock(directory, db)
      await writeFile(lock.pidFile(), `${process.pid}\n`).catch(async (error: unknown) => {
        await db.close()
        throw error
      })
      return lock
    } catch (error) {
      if (isLocked(error)) throw new StateLockedError(directory, await ownerOf(directory))
      throw new StateDirectoryError(directory, error)
    }
  }

  async release(): Promise<void> {
    await rm(this.pidFile(), { force: true })
    await this.db.close()
  }

  private pidFile(): string {
    return pidFileIn(this.directory)
  }
}

/**
 * With its parents. Node tells of a read-only volume as of a missing directory, so that after a failure the kernel is
 * asked for the first directory that is missing alone: it says what is wrong.
 */
async function makeDirectory(location: string): Promise<void> {
  try {
    await mkdir(location, { recursive: true })
  } catch (error) {
    for (let path = location; path !== dirname(path); path = dirname(path)) {
      const cause: unknown = await mkdir(path).then(
        () => error,
        (reason: unknown) => reason,
      )
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause
    }
    throw error
  }
}

/** It holds nothing, so damaged files (a disk that was full) are no loss. */
async function openLock(location: string): Promise<ClassicLevel> {
  const db = new ClassicLevel(location)
  try {
    await db.open()
  } catch (error) {
    if (isLocked(error)) throw error
    await ClassicLevel.destroy(location)
    await db.open()
  }
  return db
}

function pidFileIn(directory: string): string {
  return join(directory, 'lock.pid')
}

async function ownerOf(directory: string): Promise<number | null> {
  const text = await readFile(pidFileIn(directory), 'utf8').catch(() => '')
  return /^\d+\n$/.test(text) ? Number(text) : null
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED'
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
