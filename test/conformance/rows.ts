/** The rows of the failure tables of `docs/design.md`, sections 2 to 4, which the cases of this suite force. */
export const ROWS = {
  'before-4': '2: the process dies before step 4 is sent',
  'after-4': '2: the process dies after step 4, before 5',
  'after-5': '2: the process dies after step 5, before 6',
  moved: '2: leader moved, coordinator moved, concurrent transactions, broker away',
  unknown: '2: lost answer or any other error in 2, 3 or 4: outcome unknown',
  R0: '2, R0: a zombie waits for its group',
  R1: '2, R1: somebody else holds the lock',
  R2: '2, R2: committed, not committed, or lost',
  'no-group': '2: two owners, whatever the group says',
  lock: '3.1: the lock is taken over',
  offset: '3.2: the committed offset',
  restore: '3.3: restore of the changelog',
  store: '3.3: the local store',
  'store-died': '4: the process dies, a write to the local store torn in its middle',
  'store-torn': '4: the operating system dies, writes to the local store lost or torn',
  'store-damage': '4: the local store is damaged, or a segment is missing, or of another format',
  'store-page': '4: a page of the local store that is read for one entry is damaged',
  'store-full': '4: the volume of the local store is full',
  release: '3.3: state of another release',
  timers: '3: timers wait for the input, whatever the clock does',
  rebalance: '3: partitions that stay, move, and are given up',
} as const

export type Row = keyof typeof ROWS
