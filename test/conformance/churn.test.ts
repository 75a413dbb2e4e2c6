import { inject } from 'vitest'
import { KAFKA_VERSION } from '../../sandbox/bed/versions.ts'
import { conform } from './case.ts'
import { churnCase } from './cases/membership.ts'

/** Ten minutes in all, half of them under each protocol; CONFORMANCE_CHURN_MINUTES changes each half. */
const minutes = Number(process.env.CONFORMANCE_CHURN_MINUTES ?? '5')

conform([churnCase(minutes)], { brokers: () => inject('brokers'), kafkaVersion: KAFKA_VERSION })
