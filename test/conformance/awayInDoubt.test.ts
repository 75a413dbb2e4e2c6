import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { awayInDoubtCases } from './cases/awayInDoubt.ts'

conform(awayInDoubtCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
