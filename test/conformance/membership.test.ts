import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { membershipCases } from './cases/membership.ts'

conform(membershipCases, { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
