import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { fencedInDoubtCases } from './cases/fencedInDoubt.ts'

conform(fencedInDoubtCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
