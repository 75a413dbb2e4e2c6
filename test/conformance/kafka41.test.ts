import { pick } from './case.ts'
import { reconcileMovedCases } from './cases/reconcileMoved.ts'
import { conformOn } from './olderRelease.ts'

conformOn(
  '4.1.1',
  'v2',
  pick(
    reconcileMovedCases,
    'R1 was granted and the partition moved before R2: never found committed',
    'the offset was committed by somebody else while a cycle was in doubt: OWNERSHIP_LOST, opened anew',
  ),
)
