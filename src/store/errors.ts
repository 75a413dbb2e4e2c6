/** A file of a local store does not hold what was written to it: the store must be wiped, the changelog refills it. */
export class StoreDamagedError extends Error {
  override readonly name = 'StoreDamagedError'
  readonly code = 'STORE_DAMAGED'

  constructor(file: string, offset: number, what: string) {
    super(
      `${file} is damaged at byte ${offset}: ${what}. The store is wiped when its partition is opened next, and the ` +
        'changelog refills it; if this repeats, the operator must look at the volume of state.dir',
    )
  }
}

/** The directory is open as a store in this process already. */
export class StoreInUseError extends Error {
  override readonly name = 'StoreInUseError'
  readonly code = 'STORE_IN_USE'

  constructor(directory: string) {
    super(`${directory} is still open in this process: its partition is opened again as soon as it is closed`)
  }
}

/** A file system took a part of a snapshot without an error: its volume is full. */
export class SnapshotCutError extends Error {
  override readonly name = 'SnapshotCutError'
  readonly code = 'STORE_SNAPSHOT_CUT'

  constructor(file: string, writtenBytes: number, sizeBytes: number) {
    super(
      `${file} took ${writtenBytes} of ${sizeBytes} bytes: the operator must free the volume of state.dir; the store goes on ` +
        'without it, and its next start takes longer',
    )
  }
}
