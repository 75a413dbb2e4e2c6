import { conformOn } from './olderRelease.ts'

// Before transaction.version there is only the first protocol.
conformOn('3.7.2', 'v1')
